#!/usr/bin/env python3
"""Never answers."""
import time

time.sleep(1000)
