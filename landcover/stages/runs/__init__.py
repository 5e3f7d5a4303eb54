"""Starting a run, planning its units and doing one."""
