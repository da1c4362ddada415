"""A Flask route that converts a path segment and answers with a small JSON object."""

from flask import Flask, jsonify

app = Flask(__name__)


@app.get("/items/<int:item_id>")
def item(item_id):
    return jsonify(id=item_id, name=f"item {item_id}", tags=["a", "b", "c"], available=True)
