package correlate

import (
	"fmt"
	"math"

	"borj.dev/borj/watch/sigma"
)

// kind is a correlation type.
type kind uint8

const (
	eventCount kind = iota
	valueCount
	temporal
	temporalOrdered
	valueSum
	valueAvg
	valuePercentile
	valueMedian
	valueMin
	valueMax
)

var kinds = map[string]kind{
	"event_count":      eventCount,
	"value_count":      valueCount,
	"temporal":         temporal,
	"temporal_ordered": temporalOrdered,
	"value_sum":        valueSum,
	"value_avg":        valueAvg,
	"value_percentile": valuePercentile,
	"value_median":     valueMedian,
	"value_min":        valueMin,
	"value_max":        valueMax,
}

func (k kind) temporal() bool { return k == temporal || k == temporalOrdered }

// numeric tells whether events bring numbers, rather than text or nothing.
func (k kind) numeric() bool { return k >= valueSum }

type op uint8

const (
	gt op = iota
	gte
	lt
	lte
	eq
	neq
)

var ops = map[string]op{"gt": gt, "gte": gte, "lt": lt, "lte": lte, "eq": eq, "neq": neq}

// comparison is one bound of a threshold.
type comparison struct {
	op      op
	operand float64
}

func (c comparison) holds(v float64) bool {
	switch c.op {
	case gt:
		return v > c.operand
	case gte:
		return v >= c.operand
	case lt:
		return v < c.operand
	case lte:
		return v <= c.operand
	case eq:
		return v == c.operand
	}
	return v != c.operand
}

// threshold holds when all of its comparisons do.
type threshold []comparison

func (t threshold) holds(v float64) bool {
	for _, c := range t {
		if !c.holds(v) {
			return false
		}
	}
	return true
}

// only tells whether the threshold uses no operators but a and b.
func (t threshold) only(a, b op) bool {
	for _, c := range t {
		if c.op != a && c.op != b {
			return false
		}
	}
	return true
}

// all tells whether the threshold asks for n of n.
func (t threshold) all(n int) bool {
	if len(t) != 1 {
		return false
	}
	asked := t[0].operand
	return (t[0].op == gte || t[0].op == eq) && asked == float64(n) || t[0].op == gt && asked == float64(n-1)
}

// largest returns the largest operand, at least 0.
func (t threshold) largest() float64 {
	m := 0.0
	for _, c := range t {
		m = max(m, c.operand)
	}
	return m
}

func compileThreshold(list []sigma.CorrelationComparison) (threshold, error) {
	t := make(threshold, 0, len(list))
	for _, c := range list {
		o, ok := ops[c.Op]
		if !ok {
			return nil, fmt.Errorf("condition %.40q is none of gt, gte, lt, lte, eq and neq", c.Op)
		}
		if math.IsNaN(c.Number) || math.IsInf(c.Number, 0) {
			return nil, fmt.Errorf("condition %s needs a number", c.Op)
		}
		t = append(t, comparison{o, c.Number})
	}
	return t, nil
}

// closing tells whether more events can turn a true condition false, so that
// it can be judged only when the window is over.
func closing(k kind, t threshold, terms []term) bool {
	switch k {
	case eventCount, valueCount, valueSum, valueMax:
		return !t.only(gt, gte)
	case valueMin:
		return !t.only(lt, lte)
	case temporal, temporalOrdered:
		for _, m := range terms {
			if m.absent != 0 {
				return true
			}
		}
		return !t.only(gt, gte)
	}
	return true
}
