package watch

import (
	"cmp"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/correlate"
	"borj.dev/borj/watch/sigma/match"
	"borj.dev/borj/watch/sigma/pipeline"
)

// Rules is a compiled set of Sigma rules and correlations. It never changes
// and may be shared by any number of workers.
type Rules struct {
	routed  []sigma.Routed // those of one rule follow each other
	names   []*Rule        // by routed rule: what its hits show
	bases   []*base        // by routed rule: what correlations want of it, or nil
	matcher *match.Matcher
	plan    *correlate.Plan
	shown   map[*sigma.Correlation]*Rule
	failed  []sigma.Failure
	loaded  int
}

// base is a rule that correlations refer to.
type base struct {
	key    string
	fields [][]string // the names of each field that correlations need
	silent bool       // it gives no hits of its own
}

// CompileRules makes ready what a load of rules gave. What cannot be compiled
// is left out, and named by Failed.
func CompileRules(set *sigma.Set, pipelines *pipeline.Pipelines) (*Rules, error) {
	r := &Rules{shown: map[*sigma.Correlation]*Rule{}, failed: slices.Clone(set.Failed)}
	options := correlate.Options{Lateness: correlate.Forever}
	wanted, _ := correlate.New(set.Correlations, set.Rules, options)
	routed, errs := routeAll(set.Rules, pipelines, wanted)
	var kept []*sigma.Rule
	for i, rule := range set.Rules {
		if errs[i] != nil {
			r.failed = append(r.failed, sigma.Failure{File: rule.File, Line: rule.Line, Rule: cmp.Or(rule.ID, rule.Title), Reason: errs[i].Error()})
			continue
		}
		kept = append(kept, rule)
		name := &Rule{ID: rule.ID, Title: rule.Title, Tags: rule.Tags, key: keyOf(rule.ID, rule.Title, rule.File, rule.Line)}
		for _, one := range routed[i] {
			r.routed = append(r.routed, one)
			r.names = append(r.names, name)
		}
	}
	var failed []sigma.Failure
	r.plan, failed = correlate.New(set.Correlations, kept, options)
	r.failed = append(r.failed, failed...)
	for _, c := range set.Correlations {
		r.shown[c] = &Rule{ID: c.ID, Title: c.Title, Tags: c.Tags, key: keyOf(c.ID, c.Title, c.File, c.Line)}
	}
	r.bases = make([]*base, len(r.routed))
	for i := range r.routed {
		key := correlate.Key(r.routed[i].Rule)
		if key != "" && r.plan.Uses(key) {
			b := &base{key: key, silent: r.plan.Silent(key) || r.routed[i].Rule.Level < set.MinLevel}
			for _, f := range r.plan.Fields(key) {
				b.fields = append(b.fields, r.routed[i].Renamed[f])
			}
			r.bases[i] = b
		}
	}
	r.loaded = len(kept) + r.plan.Len()
	var err error
	r.matcher, err = match.Compile(r.routed)
	return r, err
}

// keyOf returns the id, or what tells a rule without one from others: where it
// stands, but not in which directory somebody keeps the file.
func keyOf(id, title, file string, line int) string {
	if id != "" {
		return id
	}
	return fmt.Sprintf("%q in %q, line %d", title, filepath.Base(file), line)
}

// routeAll routes every rule, on all processors.
func routeAll(rules []*sigma.Rule, pipelines *pipeline.Pipelines, wanted *correlate.Plan) ([][]sigma.Routed, []error) {
	routed, errs := make([][]sigma.Routed, len(rules)), make([]error, len(rules))
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wait.Go(func() {
			for i := k; i < len(rules); i += workers {
				routed[i], errs[i] = pipelines.Route(rules[i], wanted.Fields(correlate.Key(rules[i]))...)
			}
		})
	}
	wait.Wait()
	return routed, errs
}

// Loaded returns how many rules and correlations compiled.
func (r *Rules) Loaded() int { return r.loaded }

// Failed returns the rules that cannot be used, and why.
func (r *Rules) Failed() []sigma.Failure { return r.failed }

// Memory returns the bytes that the indexes of the rules' texts hold.
func (r *Rules) Memory() int { return r.matcher.Memory() }

// Routed returns the rules as they are evaluated. The caller must not change
// them.
func (r *Rules) Routed() []sigma.Routed { return r.routed }
