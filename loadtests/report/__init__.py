"""The run as people read it: the HTML report and the table at the end of the terminal."""
