# Runs a program, prints its process id, and kills it when standard input closes, so that a killed
# test or bench leaves no server behind.
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
echo "$program"
{ cat <&3 >/dev/null; kill -KILL "$program" 2>/dev/null; } &
exec 1>&-
wait "$program"
