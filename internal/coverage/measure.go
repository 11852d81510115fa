package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/pipeline"
)

// benign are logs in which every hit is taken for a false alarm.
type benign struct {
	name  string
	paths []string
}

// scanner scans with one set of rules.
type scanner struct {
	set   *sigma.Set
	sets  *watch.Sets
	byID  map[string]*sigma.Rule
	pipes *pipeline.Pipelines
}

func newScanner(rules string) (*scanner, error) {
	set, err := sigma.Load([]string{rules}, sigma.Options{})
	if err != nil {
		return nil, err
	}
	pipes, err := pipeline.Load(true, nil)
	if err != nil {
		return nil, err
	}
	compiled, err := watch.CompileRules(set, pipes)
	if err != nil {
		return nil, err
	}
	s := &scanner{set: set, pipes: pipes, sets: &watch.Sets{Rules: compiled}, byID: map[string]*sigma.Rule{}}
	for _, r := range set.Rules {
		s.byID[r.ID] = r
	}
	return s, nil
}

// tally counts what one scan found.
type tally struct {
	events int64
	rules  map[*sigma.Rule]int64
	unfed  []*sigma.Rule
	byID   map[string]*sigma.Rule
}

func (t *tally) Hit(h *watch.Hit) error {
	if r := t.byID[h.Rule.ID]; r != nil {
		t.rules[r]++
	}
	return nil
}

func (t *tally) Reject(record.Reject) error { return nil }

func (s *scanner) scan(ctx context.Context, paths []string) (*tally, error) {
	src, err := record.Open(paths, record.Options{Auto: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }() // it was only read
	t := &tally{rules: map[*sigma.Rule]int64{}, byID: s.byID}
	result, err := watch.Run(ctx, src, s.sets, t, watch.Options{Workers: runtime.GOMAXPROCS(0)})
	if err != nil {
		return nil, fmt.Errorf("scanning %v: %w", paths, err)
	}
	t.events, t.unfed = result.Events, result.Unfed
	return t, nil
}

// outcome is what the scan of one recording gave.
type outcome struct {
	recording
	events  int64
	tagged  int         // rules that carry the technique
	fed     int         // of these, those that a record was fed to
	naming  naming      // how closely a hit names it
	by      *sigma.Rule // the hit that names it most closely, of the highest level
	near    []string    // of a miss: rules that would have hit, but for their own exceptions
	renewed *outcome    // the same, by the technique's present number
}

// report is everything that the page says.
type report struct {
	rules      int
	outcomes   []outcome
	background counts
	benign     []counts
}

// counts are hits of one body of events, which are taken for false alarms.
type counts struct {
	name   string
	events int64
	level  map[sigma.Level]int64
	rules  map[*sigma.Rule]int64
}

func newCounts(name string) counts {
	return counts{name: name, level: map[sigma.Level]int64{}, rules: map[*sigma.Rule]int64{}}
}

func (c *counts) add(r *sigma.Rule, n int64) {
	c.level[r.Level] += n
	c.rules[r] += n
}

// noisiest returns the rules with the most hits.
func (c *counts) noisiest(n int) []*sigma.Rule {
	list := slices.SortedFunc(maps.Keys(c.rules), func(a, b *sigma.Rule) int {
		return cmp.Or(cmp.Compare(c.rules[b], c.rules[a]), cmp.Compare(a.ID, b.ID))
	})
	return list[:min(n, len(list))]
}

func (s *scanner) measure(ctx context.Context, recordings []recording, logs []benign) (*report, error) {
	rep := &report{rules: s.sets.Rules.Loaded(), background: newCounts("recordings' background")}
	for _, r := range recordings {
		t, err := s.scan(ctx, []string{r.file})
		if err != nil {
			return nil, err
		}
		o := s.judge(r, t)
		if now := current(r.techniques); !slices.Equal(now, r.techniques) {
			again := r
			again.techniques = now
			o.renewed = s.judge(again, t)
		}
		if o.naming == namesNot {
			if o.near, err = s.near(r); err != nil {
				return nil, err
			}
		}
		rep.outcomes = append(rep.outcomes, *o)
		rep.background.events += t.events
		for rule, n := range t.rules {
			if closest(rule.Tags, append(current(r.techniques), r.techniques...)) == namesNot {
				rep.background.add(rule, n)
			}
		}
	}
	for _, b := range logs {
		t, err := s.scan(ctx, b.paths)
		if err != nil {
			return nil, err
		}
		c := newCounts(b.name)
		c.events = t.events
		for rule, n := range t.rules {
			c.add(rule, n)
		}
		rep.benign = append(rep.benign, c)
	}
	return rep, nil
}

// judge compares what a scan found with the technique of the recording.
func (s *scanner) judge(r recording, t *tally) *outcome {
	o := &outcome{recording: r, events: t.events}
	for _, rule := range s.set.Rules {
		if closest(rule.Tags, r.techniques) != namesItself {
			continue
		}
		o.tagged++
		if !slices.Contains(t.unfed, rule) {
			o.fed++
		}
	}
	for rule := range t.rules {
		how := closest(rule.Tags, r.techniques)
		if how == namesNot {
			continue
		}
		better := cmp.Compare(how, o.naming)
		if better == 0 && o.by != nil {
			better = cmp.Or(cmp.Compare(rule.Level, o.by.Level), cmp.Compare(o.by.ID, rule.ID))
		}
		if better > 0 {
			o.naming, o.by = how, rule
		}
	}
	return o
}
