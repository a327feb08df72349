"""Keeps what was refreshed by itself on one page from emptying the next.

A page that is live asks every second for its fragments. One that is sent to another page by
`st.switch_page` asks until it hears of that; Streamlit 1.67 answers such a question after the other
page has been run, for the page before, and the browser, told of a page that has nothing, empties
itself. Links are safe, for the browser stops asking when one is clicked.
"""

import functools

from streamlit.runtime.scriptrunner.script_runner import ScriptRunner


def skip_late_refreshes() -> None:
    """Have the server run no fragments of which none is there any more."""
    run = ScriptRunner._run_script
    if hasattr(run, "__wrapped__"):
        return

    @functools.wraps(run)
    def run_what_is_there(self: ScriptRunner, rerun_data) -> None:
        wanted = rerun_data.fragment_id_queue
        if not wanted or any(map(self._fragment_storage.contains, wanted)):
            run(self, rerun_data)

    ScriptRunner._run_script = run_what_is_there
