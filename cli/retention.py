"""`tqs retention`: deletion of data past its retention period."""

from cli.printing import AsJson, notes_apart, print_json


def retention(as_json: AsJson = False) -> None:
    """Delete data older than the settings TQS_KEEP_… allow, as the nightly flow does. This cannot be undone."""
    from flows.retention import retention as flow
    from flows.standalone import run

    with notes_apart(as_json):
        removed = run(flow)
    if as_json:
        print_json({"removed": removed})
