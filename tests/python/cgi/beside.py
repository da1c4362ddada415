"""A module beside a script."""


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone from beside:", self.name)


loud = Loud("module")
