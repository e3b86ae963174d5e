"""The command line: one command for each verb, each the thin face of one public function."""
