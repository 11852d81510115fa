package cli

import (
	"fmt"

	"borj.dev/borj/watch"
)

// warnings are what may make a run look cleaner than it was: nobody should read
// "no hits" where nothing was looked at.
func (s *scan) warnings(result *watch.Result) (list []string) {
	warn := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	switch {
	case result.Events == 0 && result.Malformed > 0:
		warn("no event was read: all %d records were set aside", result.Malformed)
	case result.Events == 0:
		warn("no event was read")
	}
	if f := s.report.Rules.Failed; len(f) > 0 {
		warn("%d rules could not be used, such as %s:%d: %s", len(f), f[0].File, f[0].Line, f[0].Reason)
	}
	if i := &s.report.Indicators; len(i.Failed) > 0 {
		warn("%d entries of feeds could not be used, such as %s: %s", int64(len(i.Failed))+i.More, i.Failed[0].File, i.Failed[0].Reason)
	}
	c := &result.Correlations
	for _, left := range []struct {
		n   int64
		why string
	}{
		{c.Untimed, "had no time that borj found"},
		{c.Ungrouped, "lacked a field that a correlation groups by"},
		{c.Valueless, "lacked the value that a correlation counts"},
		{c.Late, "came too late"},
		{c.Overflow + c.Evicted + c.Cut, "were beyond the bounds of what correlations keep"},
	} {
		if left.n > 0 {
			warn("correlations left out %d matches that %s", left.n, left.why)
		}
	}
	return list
}
