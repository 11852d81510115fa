package sigma

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Bounds of correlations. How much is kept while they run is bounded in package
// correlate.
const (
	maxCorrelations      = 20_000 // of one load
	maxCorrelationRules  = 1000
	maxCorrelationDepth  = 16
	maxCorrelationFields = 32
	maxTimespan          = 366 * 24 * time.Hour
)

// correlationTypes says of each type whether its condition needs a field.
var correlationTypes = map[string]bool{
	"event_count": false, "temporal": false, "temporal_ordered": false,
	"value_count": true, "value_sum": true, "value_avg": true, "value_percentile": true, "value_median": true,
	"value_min": true, "value_max": true, // the JSON schema of version 2.0.1 has them
}

// Temporal tells whether the correlation's type is temporal or
// temporal_ordered.
func (c *Correlation) Temporal() bool { return strings.HasPrefix(c.Type, "temporal") }

// correlation reads a correlation document.
func (r *reader) correlation(m mapping) *Correlation {
	c := &Correlation{
		ID: r.scalar(m, "id"), Name: r.scalar(m, "name"), Title: r.scalar(m, "title"),
		Description: r.scalar(m, "description"), Status: strings.ToLower(r.scalar(m, "status")),
		Level: r.level(m), HasLevel: m.has("level"), Tags: r.strings(m, "tags"),
	}
	r.require(m, "title", "a correlation needs a title")
	r.status(m)
	at, _ := m.get("correlation")
	body := r.mapping(at.value, "correlation")
	if r.err != nil {
		return c
	}
	line := at.line
	r.only(body, "correlation", "type", "rules", "group-by", "timespan", "aliases", "condition", "generate")
	c.Type = strings.ToLower(r.scalar(body, "type"))
	if _, ok := correlationTypes[c.Type]; !ok {
		r.fail(line, "unknown correlation type %q; there are event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile, value_median, value_min and value_max", c.Type)
	}
	c.Rules = r.strings(body, "rules")
	c.GroupBy = r.strings(body, "group-by")
	c.Timespan = r.scalar(body, "timespan")
	if !body.has("timespan") {
		r.fail(line, "a correlation needs a timespan, such as 15m")
	}
	if _, err := ParseTimespan(c.Timespan); err != nil {
		r.fail(body.line("timespan"), "%s", err)
	}
	r.generate(c, m, body)
	r.correlationCondition(c, body, line)
	r.correlationRules(c, line)
	r.aliases(c, body)
	return c
}

// only refuses attributes other than names.
func (r *reader) only(m mapping, what string, names ...string) {
	for _, e := range m.list {
		if !slices.Contains(names, e.key) {
			r.fail(e.line, "%s: unknown attribute %q; there are %s", what, e.key, strings.Join(names, ", "))
		}
	}
}

// generate stands within correlation in pySigma and beside it in the
// specification.
func (r *reader) generate(c *Correlation, m, body mapping) {
	for _, at := range []mapping{m, body} {
		switch s := r.scalar(at, "generate"); strings.ToLower(s) {
		case "", "false":
		case "true":
			c.Generate = true
		default:
			r.fail(at.line("generate"), "generate is true or false, not %q", s)
		}
	}
}

func (r *reader) aliases(c *Correlation, body mapping) {
	if !body.has("aliases") {
		return
	}
	c.Aliases = map[string]map[string]string{}
	at, _ := body.get("aliases")
	for _, alias := range r.mapping(at.value, "aliases").list {
		fields := map[string]string{}
		of := r.mapping(alias.value, "the alias "+alias.key)
		for _, rule := range of.list {
			if fields[rule.key] = r.scalar(of, rule.key); fields[rule.key] == "" {
				r.fail(rule.line, "the alias %s names no field for %s", alias.key, rule.key)
			} else if !slices.Contains(c.Rules, rule.key) {
				r.fail(rule.line, "the alias %s speaks of %s, which is not among the correlation's rules", alias.key, rule.key)
			}
		}
		c.Aliases[alias.key] = fields
	}
}

func (r *reader) correlationRules(c *Correlation, line int) {
	if len(c.Rules) == 0 && c.Condition.Expression != "" {
		c.Rules = expressionNames(c.Condition.Expression)
	}
	seen := map[string]bool{}
	for _, ref := range c.Rules {
		if seen[ref] {
			r.fail(line, "the correlation names %s twice", ref)
		}
		seen[ref] = true
	}
	switch {
	case len(c.Rules) == 0:
		r.fail(line, "a correlation needs rules: the ids or names of what it correlates")
	case len(c.Rules) > maxCorrelationRules:
		r.fail(line, "the correlation names %d rules; at most %d are taken", len(c.Rules), maxCorrelationRules)
	case len(c.GroupBy) > maxCorrelationFields:
		r.fail(line, "the correlation groups by %d fields; at most %d are taken", len(c.GroupBy), maxCorrelationFields)
	}
	if c.Condition.Expression != "" {
		r.extendedNames(c, line)
	}
}

// extendedNames checks that an extended condition and the list of rules name
// the same rules.
func (r *reader) extendedNames(c *Correlation, line int) {
	names := expressionNames(c.Condition.Expression)
	for _, n := range names {
		if !slices.Contains(c.Rules, n) {
			r.fail(line, "the condition names %s, which is not among the correlation's rules", n)
		}
	}
	for _, n := range c.Rules {
		if !slices.Contains(names, n) {
			r.fail(line, "the correlation lists the rule %s, and its condition does not name it", n)
		}
	}
}

// expressionNames returns the rules of an extended condition in the order in
// which it names them.
func expressionNames(expression string) []string {
	tokens, err := tokenize(expression)
	if err != nil {
		return nil
	}
	var names []string
	for _, t := range tokens {
		switch strings.ToLower(t.text) {
		case "and", "or", "not", "(", ")":
		default:
			if !slices.Contains(names, t.text) {
				names = append(names, t.text)
			}
		}
	}
	return names
}

// correlationCondition reads the threshold, or the expression of a temporal
// type.
func (r *reader) correlationCondition(c *Correlation, body mapping, line int) {
	e, ok := body.get("condition")
	if !ok {
		if !c.Temporal() {
			r.fail(line, "a correlation of type %s needs a condition, such as gte: 10", c.Type)
		}
		c.Condition.Comparisons = []CorrelationComparison{{"gte", float64(len(c.Rules))}}
		return
	}
	if n := r.follow(e.value); n.Kind == yaml.ScalarNode {
		c.Condition.Expression = n.Value
		if !c.Temporal() {
			r.fail(e.line, "only temporal and temporal_ordered take an expression over rules; %s needs a comparison, such as gte: 10", c.Type)
		}
		if _, err := ParseCorrelationExpression(n.Value); err != nil {
			r.fail(e.line, "%s", err)
		}
		return
	}
	m := r.mapping(e.value, "condition")
	for _, op := range []string{"gt", "gte", "lt", "lte", "eq", "neq"} {
		if !m.has(op) {
			continue
		}
		x, err := strconv.ParseFloat(r.scalar(m, op), 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			r.fail(m.line(op), "condition: %s needs a number, not %q", op, r.scalar(m, op))
		}
		c.Condition.Comparisons = append(c.Condition.Comparisons, CorrelationComparison{op, x})
	}
	r.only(m, "condition", "gt", "gte", "lt", "lte", "eq", "neq", "field", "percentile")
	if len(c.Condition.Comparisons) == 0 {
		r.fail(e.line, "the condition compares with nothing; write for example gte: 10")
	}
	c.Condition.Fields = r.strings(m, "field")
	if correlationTypes[c.Type] && len(c.Condition.Fields) == 0 {
		r.fail(e.line, "a correlation of type %s needs condition: field, the field whose values it looks at", c.Type)
	}
	r.percentile(c, m, e.line)
}

func (r *reader) percentile(c *Correlation, m mapping, line int) {
	if c.Type != "value_percentile" {
		return
	}
	c.Condition.Percentile = 50
	if m.has("percentile") {
		p, err := strconv.Atoi(r.scalar(m, "percentile"))
		if err != nil || p < 0 || p > 100 {
			r.fail(line, "percentile is a whole number from 0 to 100, not %q", r.scalar(m, "percentile"))
		}
		c.Condition.Percentile = p
	}
}

// ParseTimespan reads a correlation's timespan: a whole number from 1 and one
// of s m h d w M (a twelfth of a year) y (365.2425 days), a year at most.
func ParseTimespan(s string) (time.Duration, error) {
	units := map[string]time.Duration{
		"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
		"M": 2629746 * time.Second, "y": 31556952 * time.Second,
	}
	if len(s) >= 2 {
		unit, ok := units[s[len(s)-1:]]
		n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
		if ok && err == nil && n > 0 {
			if n > uint64(maxTimespan/unit) {
				return 0, fmt.Errorf("the timespan %s is longer than a year, more than is kept", s)
			}
			return time.Duration(n) * unit, nil
		}
	}
	return 0, fmt.Errorf("the timespan %q is none; write a whole number and s, m, h, d, w, M or y, such as 15m", s)
}

// ParseCorrelationExpression reads the extended condition of a temporal
// correlation. Each rule that it names is a Match whose Field is that name.
func ParseCorrelationExpression(s string) (Expr, error) {
	return parseCondition(s, nil, func(name string) (Expr, error) {
		return &Match{Field: name, Op: OpExists}, nil
	})
}
