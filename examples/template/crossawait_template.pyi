# For type checkers; maturin puts this file into the wheel.
from collections.abc import Coroutine
from typing import Any

def greet(name: str) -> Coroutine[Any, Any, str]: ...
