"""What several pages share: the workstation, the guard around every page, the sidebar, decision cards."""
