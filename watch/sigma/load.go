package sigma

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Options say which rules a load keeps.
type Options struct {
	Placeholders map[string][]string // %name% → values, for the modifier expand
	MinLevel     *Level              // rules below are skipped, unless a correlation needs them
	Statuses     []string            // the only statuses to keep; none: all but deprecated and unsupported
	Exclude      []string            // rule ids, titles or tags, in any case
	Limits       Limits
}

// Limits bound what a load may read. Zero means the default.
type Limits struct {
	Files int   // 200,000
	Bytes int64 // of all files together, unpacked: 512 MiB
}

// maxLoadInstructions bounds the regular expressions of a whole load. The
// public rules have about 25,000 instructions.
const maxLoadInstructions = 5_000_000

// Load reads rules, filters and correlations from files (.yml, .yaml),
// directories and archives (.tar, .tar.gz, .tgz, .zip). Every rule in the set
// compiles: Resolve gives no error. What cannot be used is in Failed with
// file, line and reason, what was left out on purpose in Skipped.
//
// The error is about paths that could not be read; the set then holds what the
// others gave.
func Load(paths []string, opt Options) (*Set, error) {
	files, err := readSources(paths, opt.Limits)
	docs := make([][]document, len(files))
	inParallel(len(files), func(i int) { docs[i] = parseFile(files[i].name, files[i].text) })

	l := &loader{opt: opt, set: &Set{}, ids: map[string]at{}}
	for i, list := range docs {
		for _, d := range list {
			l.take(d, files[i].named)
		}
	}
	l.joinFilters()
	l.resolveRules()
	l.linkCorrelations()
	l.dropLowLevels()
	if opt.MinLevel != nil {
		l.set.MinLevel = *opt.MinLevel
	}
	return l.set, err
}

// inParallel calls f with 0 to n-1, on all processors.
func inParallel(n int, f func(int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				f(i)
			}
		})
	}
	wait.Wait()
}

type loader struct {
	opt     Options
	set     *Set
	filters []*Filter
	ids     map[string]at // in lower case
}

func (l *loader) fail(file string, line int, rule string, reason error) {
	l.set.Failed = append(l.set.Failed, Failure{file, lineOf(reason, line), rule, reason.Error()})
}

// lineOf returns the line that err is about, or line where it does not know.
func lineOf(err error, line int) int {
	var at *lineError
	if errors.As(err, &at) && at.line > 0 {
		return at.line
	}
	return line
}

func (l *loader) skip(file string, line int, rule, reason string) {
	l.set.Skipped = append(l.set.Skipped, Skipped{file, line, rule, reason})
}

// take puts a document where it belongs. named tells that its file was given
// by name, so that one which is no Sigma is a mistake.
func (l *loader) take(d document, named bool) {
	switch {
	case d.failure != nil && !l.wantStatus(d.status):
		l.skip(d.failure.File, d.failure.Line, d.failure.Rule, "status "+d.status)
	case d.failure != nil && d.failure.Reason == notSigma && !named:
		l.set.Skipped = append(l.set.Skipped, *d.failure)
	case d.failure != nil:
		l.set.Failed = append(l.set.Failed, *d.failure)
	case d.filter != nil:
		l.filters = append(l.filters, d.filter)
	case d.correlation != nil:
		c := d.correlation
		if l.wanted(at{c.File, c.Line, c.ID, c.Title}, c.Tags, c.Status) {
			l.set.Correlations = append(l.set.Correlations, c)
		}
	case d.rule != nil:
		r := d.rule
		if l.wanted(at{r.File, r.Line, r.ID, r.Title}, r.Tags, r.Status) {
			l.set.Rules = append(l.set.Rules, r)
		}
	}
}

// at is where a rule or correlation stands, and what it is called.
type at struct {
	file      string
	line      int
	id, title string
}

// wanted tells whether the options keep a rule or correlation that is the
// first of its id, and says so where not.
func (l *loader) wanted(a at, tags []string, status string) bool {
	reason := l.unwanted(a.id, a.title, tags, status)
	id := strings.ToLower(a.id)
	if first, ok := l.ids[id]; ok && reason == "" {
		reason = fmt.Sprintf("has the id of what stands in %s, line %d", first.file, first.line)
	}
	if reason != "" {
		l.skip(a.file, a.line, firstOf(a.id, a.title), reason)
		return false
	}
	if id != "" {
		l.ids[id] = a
	}
	return true
}

func (l *loader) wantStatus(status string) bool {
	if len(l.opt.Statuses) == 0 {
		return status != "deprecated" && status != "unsupported"
	}
	return slices.ContainsFunc(l.opt.Statuses, func(s string) bool { return strings.EqualFold(s, status) })
}

// unwanted says why an option leaves the rule out, or nothing.
func (l *loader) unwanted(id, title string, tags []string, status string) string {
	if !l.wantStatus(status) {
		return "status " + firstOf(status, "not given")
	}
	for _, x := range l.opt.Exclude {
		same := func(s string) bool { return s != "" && strings.EqualFold(s, x) }
		if same(id) || same(title) || slices.ContainsFunc(tags, same) {
			return "excluded by " + x
		}
	}
	return ""
}

// joinFilters adds every filter to the rules it is about.
func (l *loader) joinFilters() {
	names := namesOf(l.set)
	joined := map[*Rule]int{}
	for _, f := range l.filters {
		name := firstOf(f.ID, f.Title)
		if err := f.check(l.opt.Placeholders); isPlaceholder(err) {
			l.skip(f.File, lineOf(err, f.Line), name, err.Error())
			continue
		} else if err != nil {
			l.fail(f.File, f.Line, name, err)
			continue
		}
		rules := f.among(l.set.Rules, names)
		found := 0
		for _, r := range rules {
			if !f.fits(r) {
				continue
			}
			found++
			if joined[r]++; joined[r] > maxFilters {
				l.fail(f.File, f.Line, name, fmt.Errorf("the rule %s has %d filters already; no more are joined", firstOf(r.ID, r.Title), maxFilters))
				break
			}
			if err := f.join(r, joined[r]); err != nil {
				l.fail(f.File, f.Line, name, err)
				break
			}
		}
		switch {
		case found > 0:
		case len(f.Rules) > 0 && len(rules) > 0:
			l.skip(f.File, f.Line, name, fmt.Sprintf("the filter names the rule %s, but its logsource is another than the rule's", firstOf(rules[0].ID, rules[0].Title)))
		default:
			l.skip(f.File, f.Line, name, "no loaded rule is among the filter's rules and of its logsource")
		}
	}
}

func isPlaceholder(err error) bool {
	var p *PlaceholderError
	return errors.As(err, &p)
}

// resolveRules expands placeholders, and takes out the rules that do not
// compile.
func (l *loader) resolveRules() {
	errs := make([]error, len(l.set.Rules))
	costs := make([]int, len(l.set.Rules))
	inParallel(len(errs), func(i int) {
		r := l.set.Rules[i]
		if errs[i] = expandRule(r, l.opt.Placeholders); errs[i] == nil {
			_, costs[i], errs[i] = r.resolve()
		}
	})
	kept := l.set.Rules[:0]
	cost := 0
	for i, r := range l.set.Rules {
		name := firstOf(r.ID, r.Title)
		if cost += costs[i]; cost > maxLoadInstructions && costs[i] > 0 && errs[i] == nil {
			errs[i] = fmt.Errorf("the regular expressions of all rules up to this one are too costly together: more than %d steps", maxLoadInstructions)
		}
		switch {
		case errs[i] == nil:
			kept = append(kept, r)
		case isPlaceholder(errs[i]):
			l.skip(r.File, lineOf(errs[i], r.Line), name, errs[i].Error())
		default:
			l.fail(r.File, r.Line, name, errs[i])
		}
	}
	l.set.Rules = kept
}

// dropLowLevels takes out what is below the least level. Rules that a
// correlation needs stay: it may raise their level.
func (l *loader) dropLowLevels() {
	if l.opt.MinLevel == nil {
		return
	}
	least := *l.opt.MinLevel
	reason := func(level Level) string { return fmt.Sprintf("level %s is below %s", level, least) }
	needed := map[any]bool{}
	names := namesOf(l.set)
	var need func(refs []string)
	need = func(refs []string) {
		for _, ref := range refs {
			rules, correlations := names.find(ref)
			for _, r := range rules {
				needed[r] = true
			}
			for _, c := range correlations {
				if !needed[c] {
					needed[c] = true
					need(c.Rules)
				}
			}
		}
	}
	for _, c := range l.set.Correlations {
		if c.Level >= least {
			need(c.Rules)
		}
	}
	l.set.Correlations = slices.DeleteFunc(l.set.Correlations, func(c *Correlation) bool {
		drop := c.Level < least && !needed[c]
		if drop {
			l.skip(c.File, c.Line, firstOf(c.ID, c.Title), reason(c.Level))
		}
		return drop
	})
	l.set.Rules = slices.DeleteFunc(l.set.Rules, func(r *Rule) bool {
		drop := r.Level < least && !needed[r]
		if drop {
			l.skip(r.File, r.Line, firstOf(r.ID, r.Title), reason(r.Level))
		}
		return drop
	})
}
