"""Reads tasks as lines of JSON, answers each with a line of JSON: see behaviours.ts for both."""

import json
import sys


def serve(perform, library):
    """perform(task, observation) fills the observation in; what it raises is told by the name under which the library exports it."""
    for line in sys.stdin:
        task = json.loads(line)
        observation = {}
        try:
            perform(task, observation)
        except Exception as error:
            observation["thrown"] = {
                "type": name_of(error, library),
                "status": getattr(error, "status_code", None),
                "message": str(error),
            }
        print(json.dumps(observation), flush=True)


def name_of(error, library):
    """What its user would catch: the first of the error's classes that the library exports."""
    for kind in type(error).__mro__:
        if getattr(library, kind.__name__, None) is kind:
            return kind.__name__
    return f"{type(error).__name__} (not exported)"
