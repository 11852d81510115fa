package output

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// maxNames bounds each set of names that a Tally keeps, because hosts and
// indicators come from outside. What comes after is counted together.
const maxNames = 100_000

// others is the name under which a full set counts.
const others = "(others)"

// Count is how often something was seen.
type Count struct {
	Name string `json:"name"`
	N    int64  `json:"count"`
}

// Tally counts hits for the summary and the statistics. It is for one
// goroutine. Its memory is bounded whatever the hits are.
type Tally struct {
	hits       int64
	levels     [len(levelColour)]int64
	kinds      map[string]int64
	rules      map[string]*ruleCount // by id
	hosts      map[string]int64
	indicators map[string]int64
	tactics    map[string]int64
	techniques map[string]int64
}

type ruleCount struct {
	Count
	level       sigma.Level
	correlation bool
}

// NewTally returns an empty Tally.
func NewTally() *Tally {
	return &Tally{
		kinds:      make(map[string]int64),
		rules:      make(map[string]*ruleCount),
		hosts:      make(map[string]int64),
		indicators: make(map[string]int64),
		tactics:    make(map[string]int64),
		techniques: make(map[string]int64),
	}
}

// Add counts h.
func (t *Tally) Add(h *watch.Hit) {
	t.hits++
	t.levels[h.Level]++
	t.kinds[h.Kind.String()]++
	if at := host(h); at != "-" {
		add(t.hosts, at)
	}
	if h.Indicator != nil {
		add(t.indicators, h.Indicator.Type+" "+h.Indicator.Value)
	}
	if h.Rule != nil {
		t.addRule(h)
	}
}

func (t *Tally) addRule(h *watch.Hit) {
	key := h.Rule.ID
	if key == "" {
		key = h.Rule.Title
	}
	r := t.rules[key]
	if r == nil {
		if len(t.rules) >= maxNames {
			return
		}
		r = &ruleCount{Count{Name: ruleName(h.Rule)}, h.Level, h.Kind == watch.KindCorrelation}
		t.rules[key] = r
	}
	r.N++
	for _, tag := range h.Rule.Tags {
		tactic, technique := attack(tag)
		if tactic != "" {
			add(t.tactics, tactic)
		}
		if technique != "" {
			add(t.techniques, technique)
		}
	}
}

func add(counts map[string]int64, name string) {
	if _, known := counts[name]; !known && len(counts) >= maxNames {
		name = others
	}
	counts[name]++
}

// ranked returns counts by falling number, then by name.
func ranked(counts map[string]int64) []Count {
	list := make([]Count, 0, len(counts))
	for name, n := range counts {
		list = append(list, Count{name, n})
	}
	slices.SortFunc(list, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name))
	})
	return list
}

// rankedRules returns the rules, the more frequent first; with byLevel the
// more severe first.
func (t *Tally) rankedRules(byLevel bool) []*ruleCount {
	list := make([]*ruleCount, 0, len(t.rules))
	for _, r := range t.rules {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *ruleCount) int {
		level := 0
		if byLevel {
			level = cmp.Compare(b.level, a.level)
		}
		return cmp.Or(level, cmp.Compare(b.N, a.N), strings.Compare(a.Name, b.Name))
	})
	return list
}

// Run is what a scan knows beside its hits.
type Run struct {
	Events     int64 // records read, those set aside not counted
	Bytes      int64 // of the records, decompressed
	Malformed  int64 // records set aside
	Elapsed    time.Duration
	Rules      Rules
	Indicators Indicators
	Inputs     []Input
	PassedOver []record.Input // files in directories and archives that hold no events
	Problems   []error        // what could not be read to its end
	Warnings   []string       // what may make the run look cleaner than it was
	Suppressed []Count        // indicators left out, by the warninglist that names them
	Reasons    []Count        // why records were set aside (Rejects.Reasons)
}

// Rules is what became of the rules.
type Rules struct {
	Loaded  int             // compiled, whatever the inputs can feed
	Skipped []sigma.Skipped // deprecated, unsupported, or without values for placeholders
	Unfed   []RuleRef       // loaded, but no record of their log source came
	Failed  []sigma.Failure
	Idle    []string // exclusions that left no rule out
}

// RuleRef points to a rule in its file.
type RuleRef struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	File   string `json:"file"`
	Line   int    `json:"line"`
	Reason string `json:"reason,omitempty"` // why no record was of its log source
}

// Indicators is what became of the indicators.
type Indicators struct {
	Loaded  int64
	Skipped int64 // not active now, or not streamable
	Failed  []IndicatorFailure
	More    int64 // failures beyond those in Failed
}

func (i *Indicators) failed() int64 { return int64(len(i.Failed)) + i.More }

// IndicatorFailure is an entry of a feed that cannot be used, and why.
type IndicatorFailure struct {
	File   string `json:"file"`
	Line   int64  `json:"line,omitempty"`
	Value  string `json:"value,omitempty"`
	Reason string `json:"reason"`
}

// Input is what one input gave.
type Input struct {
	record.Input
	Events, Bytes, Malformed int64
}
