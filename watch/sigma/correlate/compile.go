package correlate

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"borj.dev/borj/watch/sigma"
)

// Bounds of one correlation, beside those that sigma.Load sets.
const (
	maxTemporalRules = 64      // rules of a temporal type
	maxFields        = 16      // fields of a condition
	maxThreshold     = 1 << 20 // events or values that a count may ask for
)

// correlation is one compiled correlation. As a source it feeds the
// correlations that refer to it.
type correlation struct {
	source
	at      int // in Plan.correlations
	rule    *sigma.Correlation
	kind    kind
	rules   []string // keys, in the order written
	span    int64    // nanoseconds
	wait    int64    // how far behind an event may come
	forever bool     // however far
	closing bool     // the condition is judged when a window is over
	cond    threshold
	terms   []term     // of a temporal type without cond: the extended condition, or all rules
	events  int        // kept of a group
	least   int        // entries without which the condition cannot hold
	carried []string   // fields of its events that those it feeds need
	give    []int      // by source.fields: index in group-by, or ^index in carried
	parts   []*source  // by rules
	names   [][]string // by rules: what aliases may call them
	depth   int        // 1 when it refers to base rules only
	horizon int64
}

// New compiles correlations as sigma.Load returns them, which bounds their
// rules, fields and chains, over the base rules. A correlation that does not
// compile is among the failures, with those that refer to it; the others are
// in the plan.
func New(correlations []*sigma.Correlation, base []*sigma.Rule, options Options) (*Plan, []sigma.Failure) {
	b := &builder{
		plan:  &Plan{options: options.withDefaults(), sources: map[string]*source{}},
		names: map[string][]reference{},
		done:  map[*sigma.Correlation]*correlation{},
		inner: map[*source]*correlation{},
	}
	for _, r := range base {
		b.name(strings.ToLower(r.ID), reference{base: r})
		b.name(r.Name, reference{base: r})
	}
	for _, c := range correlations {
		b.name(strings.ToLower(c.ID), reference{inner: c})
		b.name(c.Name, reference{inner: c})
	}
	for _, c := range correlations {
		b.compile(c)
	}
	b.connect()
	return b.plan, b.failed
}

// reference is what an id or a name stands for.
type reference struct {
	base  *sigma.Rule
	inner *sigma.Correlation
}

// same tells whether two references mean the same: rules loaded twice do.
func (r reference) same(o reference) bool {
	if r.base != nil && o.base != nil {
		return Key(r.base) == Key(o.base)
	}
	return r == o
}

type builder struct {
	plan   *Plan
	names  map[string][]reference
	done   map[*sigma.Correlation]*correlation // nil of what failed, or is being compiled
	inner  map[*source]*correlation
	failed []sigma.Failure
}

func (b *builder) name(name string, r reference) {
	if name == "" || slices.ContainsFunc(b.names[name], r.same) {
		return
	}
	b.names[name] = append(b.names[name], r)
}

// compile compiles c after those it refers to. The result is nil when it
// failed.
func (b *builder) compile(c *sigma.Correlation) *correlation {
	if out, ok := b.done[c]; ok {
		return out
	}
	b.done[c] = nil
	out, err := b.one(c)
	if err != nil {
		b.failed = append(b.failed, sigma.Failure{File: c.File, Line: c.Line, Rule: CorrelationKey(c), Reason: err.Error()})
		return nil
	}
	b.done[c], b.inner[&out.source] = out, out
	out.at = len(b.plan.correlations)
	b.plan.correlations = append(b.plan.correlations, out)
	return out
}

func (b *builder) one(c *sigma.Correlation) (*correlation, error) {
	k, ok := kinds[c.Type]
	if !ok {
		return nil, fmt.Errorf("correlation type %.40q is not known", c.Type)
	}
	span, err := sigma.ParseTimespan(c.Timespan)
	if err != nil {
		return nil, err
	}
	out := &correlation{rule: c, kind: k, span: int64(span)}
	out.key = CorrelationKey(c)
	if err := checkShape(c, k); err != nil {
		return nil, err
	}
	if err := b.resolve(out); err != nil {
		return nil, err
	}
	if err := b.condition(out); err != nil {
		return nil, err
	}
	b.timing(out)
	return out, nil
}

// checkShape refuses what is out of bounds or does not belong to the type.
func checkShape(c *sigma.Correlation, k kind) error {
	cond := c.Condition
	switch {
	case len(cond.Fields) > maxFields:
		return fmt.Errorf("condition has %d fields, more than %d", len(cond.Fields), maxFields)
	case cond.Expression != "" && !k.temporal():
		return fmt.Errorf("a condition over rule names belongs to the temporal types, not to %s", c.Type)
	case cond.Expression != "" && len(cond.Comparisons) > 0:
		return fmt.Errorf("the condition has both an expression and comparisons")
	case len(cond.Comparisons) == 0 && !k.temporal():
		return fmt.Errorf("%s needs a condition: gt, gte, lt, lte, eq or neq", c.Type)
	case (k == valueCount || k.numeric()) && len(cond.Fields) == 0:
		return fmt.Errorf("%s needs condition.field", c.Type)
	case k.numeric() && len(cond.Fields) > 1:
		return fmt.Errorf("%s takes one condition.field, not %d", c.Type, len(cond.Fields))
	case k == valuePercentile && (cond.Percentile < 0 || cond.Percentile > 100):
		return fmt.Errorf("value_percentile needs condition.percentile, from 0 to 100")
	}
	return nil
}

// resolve finds what the references stand for.
func (b *builder) resolve(out *correlation) error {
	written := out.rule.Rules
	if len(written) == 0 {
		return fmt.Errorf("rules is empty: name the rules to correlate")
	}
	if out.kind.temporal() && len(written) > maxTemporalRules {
		return fmt.Errorf("rules has %d entries, more than the %d of a temporal type", len(written), maxTemporalRules)
	}
	seen := map[*source]string{}
	out.depth = 1
	for _, name := range written {
		src, names, err := b.lookup(name)
		if err != nil {
			return err
		}
		if other, ok := seen[src]; ok {
			return fmt.Errorf("rules names one rule twice, as %q and %q", other, name)
		}
		seen[src] = name
		out.parts = append(out.parts, src)
		out.rules = append(out.rules, src.key)
		out.names = append(out.names, names)
		if inner := b.inner[src]; inner != nil {
			out.depth = max(out.depth, inner.depth+1)
		}
	}
	return nil
}

// lookup returns the source that name refers to, and all its names.
func (b *builder) lookup(name string) (*source, []string, error) {
	refs := b.names[name]
	if len(refs) == 0 {
		refs = b.names[strings.ToLower(name)] // ids are told by any case
	}
	if len(refs) == 0 {
		return nil, nil, fmt.Errorf("refers to %q, and no usable rule has that id or name: load it too", name)
	}
	if len(refs) > 1 {
		return nil, nil, fmt.Errorf("refers to %q, which is the id or name of %d rules: use the id of one", name, len(refs))
	}
	if r := refs[0].base; r != nil {
		key := Key(r)
		if b.plan.sources[key] == nil {
			b.plan.sources[key] = &source{key: key}
		}
		return b.plan.sources[key], []string{name, r.Name, r.ID}, nil
	}
	inner := refs[0].inner
	out := b.compile(inner)
	if out == nil {
		return nil, nil, fmt.Errorf("refers to correlation %q, which cannot be used", name)
	}
	return &out.source, []string{name, inner.Name, inner.ID}, nil
}

// condition compiles the condition, and decides how much of a group is kept.
func (b *builder) condition(out *correlation) (err error) {
	c := out.rule.Condition
	if out.cond, err = compileThreshold(c.Comparisons); err != nil {
		return err
	}
	n := len(out.rules)
	if c.Expression != "" {
		if out.terms, err = expression(c.Expression, out.rule.Rules); err != nil {
			return err
		}
	} else if out.kind.temporal() && len(out.cond) == 0 {
		out.cond = threshold{{gte, float64(n)}}
	}
	if out.kind.temporal() && out.cond.all(n) {
		out.cond, out.terms = nil, []term{{present: 1<<n - 1}}
	}
	out.closing = closing(out.kind, out.cond, out.terms)
	out.least = least(out)
	out.events = b.plan.options.Events
	if out.kind == eventCount || out.kind == valueCount {
		if out.cond.largest() > maxThreshold {
			return fmt.Errorf("the condition counts beyond %d, more than is kept of one group", maxThreshold)
		}
		out.events = max(out.events, int(out.cond.largest())+2)
	}
	return nil
}

// expression compiles an extended condition over the rules as written.
func expression(text string, rules []string) ([]term, error) {
	e, err := sigma.ParseCorrelationExpression(text)
	if err != nil {
		return nil, err
	}
	used := make([]bool, len(rules))
	terms, err := alternatives(e, func(name string) (int, error) {
		i := slices.Index(rules, name)
		if i < 0 {
			return 0, fmt.Errorf("the condition names %.60q, which is not among rules", name)
		}
		used[i] = true
		return i, nil
	})
	if i := slices.Index(used, false); err == nil && i >= 0 {
		err = fmt.Errorf("rules has %q, and the condition does not name it", rules[i])
	}
	return terms, err
}

// least returns how many entries a window needs for its condition to hold:
// an event or a value each for a count that is judged at once.
func least(c *correlation) int {
	if len(c.terms) > 0 {
		n := maxTemporalRules
		for _, t := range c.terms {
			n = min(n, bits.OnesCount64(t.present))
		}
		return n
	}
	if c.closing || c.kind.numeric() {
		return 1
	}
	return int(min(c.cond.largest(), maxThreshold))
}

// timing decides how late events may come: by the option, and as late as the
// correlations that it refers to are in firing.
func (b *builder) timing(out *correlation) {
	lateness := int64(b.plan.options.Lateness)
	if lateness <= 0 {
		out.forever = lateness < 0
		lateness = out.span
	}
	delay, horizon := int64(0), int64(0)
	for _, src := range out.parts {
		inner := b.inner[src]
		if inner == nil {
			continue
		}
		horizon = max(horizon, inner.horizon)
		d := inner.wait
		if inner.closing {
			d += inner.span
		}
		delay = max(delay, d)
	}
	out.wait = lateness + delay
	out.horizon = 3*out.span + out.wait + horizon
	b.plan.horizon = max(b.plan.horizon, time.Duration(out.horizon))
}

// connect leads each source to the correlations that it feeds, outermost
// first, so that what a correlation must carry for those it feeds is known
// before its own sources are asked.
func (b *builder) connect() {
	for to, c := range slices.Backward(b.plan.correlations) {
		for _, f := range c.fields {
			if i := slices.Index(c.rule.GroupBy, f); i >= 0 {
				c.give = append(c.give, i)
				continue
			}
			c.give = append(c.give, ^len(c.carried))
			c.carried = append(c.carried, f)
		}
		for i, src := range c.parts {
			ask := func(fields []string) []int {
				at := make([]int, len(fields))
				for k, f := range fields {
					at[k] = src.ask(c.unalias(f, i))
				}
				return at
			}
			var values []string
			if c.kind == valueCount || c.kind.numeric() {
				values = c.rule.Condition.Fields
			}
			src.feeds = append(src.feeds, feed{to, uint16(i), ask(c.rule.GroupBy), ask(values), ask(c.carried)})
			src.shown = src.shown || c.rule.Generate
		}
	}
	for key, src := range b.plan.sources {
		if len(src.feeds) == 0 {
			delete(b.plan.sources, key)
		}
		slices.Reverse(src.feeds)
	}
	for _, c := range b.plan.correlations {
		slices.Reverse(c.feeds)
	}
}

// ask returns the place of a field in s.fields, adding it if need be.
func (s *source) ask(field string) int {
	i := slices.Index(s.fields, field)
	if i < 0 {
		i = len(s.fields)
		s.fields = append(s.fields, field)
	}
	return i
}

// unalias returns the field that stands for name in events of the i-th rule.
func (c *correlation) unalias(name string, i int) string {
	fields := c.rule.Aliases[name]
	for _, n := range c.names[i] {
		if f := fields[n]; n != "" && f != "" {
			return f
		}
	}
	return name
}
