# The front door. Each target sets up what it needs first; the second time that takes no time.
#   make demo         run Onggi on this machine (Ctrl-C ends it)
#   make test         all checks and tests
#   make tour         drive the real thing once, end to end
#   make env          only set up
#   make lint | type | unit | bench | screenshots | docs | lock
# As root, everything is done by the unprivileged user `onggi` in /var/lib/onggi; else in $ONGGI_HOME
# (~/.local/share/onggi). Arguments: make demo ARGS="--base-port 9000"
.PHONY: demo test tour env lint type unit bench screenshots docs lock
.SUFFIXES:

demo test tour env lint type unit bench screenshots docs lock:
	@exec ./scripts/run $@ $(ARGS)
