"""words.py - the words of the command line that several tests go through."""

COMMANDS = ["push", "pull", "check", "attach", "evaluate", "image", "copy", "export",
            "import", "storage-initializer",
            "resolve", "ls", "inspect", "card", "diff",
            "alias set", "alias rm", "alias ls", "alias repair", "promote",
            "rollback", "split", "release", "wait", "log", "changelog", "create",
            "edit", "index sync", "index rebuild", "index status",
            "index ingest", "search", "lineage", "report", "query",
            "policy show", "policy set", "policy check",
            "request", "approve", "reject", "approvals",
            "deployed", "where", "what", "observe", "incident", "incidents",
            "deprecate", "archive", "restore", "gc", "du",
            "login", "logout", "doctor", "config show", "config get",
            "config set", "config unset", "completion", "version"]
LISTS = ["ls", "ls churn", "alias ls churn", "log churn"]
GLOBAL = ["--registry", "--store", "--db", "--as", "--ca-file", "--plain-http",
          "--json", "--progress", "--no-progress", "--color", "--quiet",
          "--verbose", "--help", "--version"]
