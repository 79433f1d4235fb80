"""The pager, a service of its own: takes what Alertmanager sends, keeps it, shows it on a page with its runbooks."""
