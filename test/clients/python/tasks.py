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
            exported = getattr(library, type(error).__name__, None) is type(error)
            observation["thrown"] = {
                "type": type(error).__name__ if exported else f"{type(error).__name__} (not exported)",
                "status": getattr(error, "status_code", None),
                "message": str(error),
            }
        print(json.dumps(observation), flush=True)
