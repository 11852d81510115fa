package output

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"borj.dev/borj/watch/sigma"
)

// How many lines each list of the summary has at most.
const (
	topRules   = 10
	topHosts   = 10
	noisyRules = 20
	topNames   = 20 // techniques, indicators, inputs, reasons, failures; problems are never cut
)

// WriteSummary writes for people what a run found, and what it could not read
// or use. Lists are cut, and say by how much.
func WriteSummary(w io.Writer, t *Tally, r *Run, o Options) error {
	s := &summary{o: o}
	s.line("Read %s events (%s) from %s in %s: %s events/s, %s/s.",
		thousands(r.Events), size(r.Bytes), number(len(r.Inputs), "input"), spent(r.Elapsed),
		thousands(int64(perSecond(r.Events, r))), size(int64(perSecond(r.Bytes, r))))
	for _, w := range r.Warnings {
		s.line("%s", s.o.paint("Beware: "+Harmless(w), bold))
	}
	s.inputs(r.Inputs)
	s.hits(t)
	s.attack(t)
	s.rules("Most severe rules", t.rankedRules(true), topRules, false)
	s.rules("Noisiest rules", t.rankedRules(false), noisyRules, false)
	s.rules("Correlations", t.rankedRules(true), topRules, true)
	s.counts("Hosts with most hits", ranked(t.hosts), topHosts)
	s.counts("Indicators seen", ranked(t.indicators), topNames)
	s.counts("Indicators left out, by warninglist", r.Suppressed, topNames)
	s.aside(r)
	_, err := io.WriteString(w, s.b.String())
	return err
}

type summary struct {
	b strings.Builder
	o Options
}

func (s *summary) line(format string, args ...any) {
	fmt.Fprintf(&s.b, format+"\n", args...)
}

func (s *summary) title(text string) { s.line("\n%s", s.o.paint(text, bold)) }

// more says how much of a list was left out.
func (s *summary) more(total, shown int) {
	if total > shown {
		s.line("  %10s", fmt.Sprintf("… %s more", thousands(int64(total-shown))))
	}
}

func (s *summary) inputs(inputs []Input) {
	if len(inputs) == 0 {
		return
	}
	s.title("Inputs, as they were recognised")
	for _, in := range inputs[:min(len(inputs), topNames)] {
		s.line("  %10s  %-10s  %s%s", thousands(in.Events), in.Format, Harmless(in.Name), brackets(in.Shape))
	}
	s.more(len(inputs), topNames)
}

func (s *summary) hits(t *Tally) {
	s.title("Hits")
	for l := sigma.Critical; ; l-- {
		if n := t.levels[l]; n > 0 {
			s.line("  %10s  %s", thousands(n), s.o.paint(l.String(), levelColour[l]))
		}
		if l == sigma.Informational {
			break
		}
	}
	s.line("  %10s  in all", thousands(t.hits))
}

func (s *summary) attack(t *Tally) {
	if len(t.tactics) > 0 {
		s.title("ATT&CK tactics")
		for _, name := range tactics {
			if n := t.tactics[name]; n > 0 {
				s.line("  %10s  %s", thousands(n), name)
			}
		}
	}
	s.counts("ATT&CK techniques", ranked(t.techniques), topNames)
}

func (s *summary) rules(title string, list []*ruleCount, most int, correlations bool) {
	list = slices.DeleteFunc(slices.Clone(list), func(r *ruleCount) bool { return r.correlation != correlations })
	if len(list) == 0 {
		return
	}
	s.title(title)
	for _, r := range list[:min(len(list), most)] {
		name := levelName(r.level)
		gap := strings.Repeat(" ", levelColumns-len(name))
		s.line("  %10s  %s%s%s", thousands(r.N), s.o.paint(name, levelColour[r.level]), gap, Harmless(r.Name))
	}
	s.more(len(list), most)
}

func (s *summary) counts(title string, list []Count, most int) {
	if len(list) == 0 {
		return
	}
	s.title(title)
	for _, c := range list[:min(len(list), most)] {
		s.line("  %10s  %s", thousands(c.N), Harmless(c.Name))
	}
	s.more(len(list), most)
}

// aside tells what was not read or not used, and why.
func (s *summary) aside(r *Run) {
	s.counts("Records set aside", r.Reasons, topNames)
	s.unread(r)
	if r.Rules.Loaded > 0 || len(r.Rules.Failed) > 0 || len(r.Rules.Skipped) > 0 {
		s.title("Rules")
		s.line("  %10s  loaded", thousands(int64(r.Rules.Loaded)))
		s.some(int64(len(r.Rules.Unfed)), "no input fed (--stats lists them)")
		s.some(int64(len(r.Rules.Skipped)), "skipped: deprecated, unsupported, filtered, or without values for their placeholders")
		for _, x := range r.Rules.Idle {
			s.line("              --exclude %s left none of them out: check its spelling", Harmless(x))
		}
		s.some(int64(len(r.Rules.Failed)), "could not be used:")
		for _, f := range r.Rules.Failed[:min(len(r.Rules.Failed), topNames)] {
			s.line("              %s:%d: %s", Harmless(f.File), f.Line, Harmless(f.Reason))
		}
		s.more(len(r.Rules.Failed), topNames)
	}
	if i := &r.Indicators; i.Loaded > 0 || i.Skipped > 0 || len(i.Failed) > 0 {
		s.title("Indicators")
		s.line("  %10s  loaded", thousands(i.Loaded))
		s.some(i.Skipped, "skipped: not valid now, or not to be matched in a stream")
		s.some(i.failed(), "could not be used:")
		shown := min(len(i.Failed), topNames)
		for _, f := range i.Failed[:shown] {
			s.line("              %s: %s", Harmless(place(f)), Harmless(f.Reason))
		}
		s.more(int(i.failed()), shown)
	}
}

func (s *summary) unread(r *Run) {
	if len(r.Problems) > 0 {
		s.title("Not read to the end")
		for _, p := range r.Problems { // all of them: each may hide an attack
			s.line("              %s", Harmless(p.Error()))
		}
	}
	if len(r.PassedOver) > 0 {
		s.title("Passed over, because they hold no events")
		for _, in := range r.PassedOver[:min(len(r.PassedOver), topNames)] {
			s.line("              %s%s", Harmless(in.Name), brackets(in.Shape))
		}
		s.more(len(r.PassedOver), topNames)
	}
}

func (s *summary) some(n int64, text string) {
	if n > 0 {
		s.line("  %10s  %s", thousands(n), text)
	}
}

func place(f IndicatorFailure) string {
	if f.Line > 0 {
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	}
	return f.File
}

func brackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + Harmless(s) + ")"
}

// thousands writes n with a comma before every three digits.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return thousands(int64(n)) + " " + what + "s"
}

// size writes bytes in decimal units, as disks and networks are counted.
func size(n int64) string {
	units := [...]string{"kB", "MB", "GB", "TB", "PB"}
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, u := float64(n)/1000, 0
	for f >= 999.95 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}

func spent(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
