"""words.py - the words of the command line that several tests go through."""

COMMANDS = ["push", "pull", "resolve", "ls", "inspect", "card", "diff",
            "check", "attach", "evaluate", "alias set",
            "alias rm", "alias ls", "request", "approve", "reject", "approvals",
            "policy show", "policy set",
            "policy check", "copy", "export", "import", "login",
            "logout", "doctor", "config show", "config get", "config set",
            "config unset", "completion", "version"]
LISTS = ["ls", "ls churn", "alias ls churn"]
GLOBAL = ["--registry", "--store", "--as", "--ca-file", "--plain-http", "--json",
          "--progress", "--no-progress", "--color", "--quiet", "--verbose",
          "--help", "--version"]
