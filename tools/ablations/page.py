"""The page of a study."""

REPORT = "report.md"


def write(study, ended, path):
    return ""
