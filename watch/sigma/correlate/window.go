package correlate

import (
	"math"
	"math/bits"
	"slices"
)

// window is the running content of one window of a group's events: whatever
// its correlation's condition asks about it, kept up as events enter at the
// end and leave at the start.
type window struct {
	events int       // not counting the further values of one event
	tally  tally     // value_count
	sum    float64   // value_sum
	size   float64   // sum of the magnitudes
	rough  bool      // sum and size may be off by rounding
	hits   int       // value_min and value_max: values that satisfy the condition
	seen   []int32   // temporal types: events by rule
	mask   uint64    // rules seen
	chains []int64   // temporal_ordered: see enterOrdered
	values []float64 // closing value types: all of them
}

// never is a time before every event's.
const never = math.MinInt64

func newWindow(c *correlation) window {
	w := window{}
	if c.kind.temporal() {
		w.seen = make([]int32, len(c.rules))
	}
	if c.kind == temporalOrdered {
		w.chains = c.noChains()
	}
	return w
}

// noChains returns the chains of a window without events.
func (c *correlation) noChains() []int64 {
	n := len(c.rules) * len(c.rules)
	for _, t := range c.terms {
		n += bits.OnesCount64(t.present)
	}
	if len(c.terms) > 0 {
		n -= len(c.rules) * len(c.rules)
	}
	return slices.Repeat([]int64{never}, n)
}

func (w *window) enter(c *correlation, e *entry) {
	if e.first {
		w.events++
	}
	switch c.kind {
	case valueCount:
		w.tally.add(e.value)
	case temporal, temporalOrdered:
		w.seen[e.rule]++
		w.mask |= 1 << e.rule
		if len(w.chains) > 0 {
			w.enterOrdered(c, e)
		}
	case valueSum:
		w.addNumber(e.number(), 1)
	case valueMin, valueMax:
		if c.cond.holds(e.number()) {
			w.hits++
		}
	}
	if c.closing && c.kind.numeric() {
		w.values = append(w.values, e.number())
	}
}

// leave takes out the window's first event. Chains need not be told: those
// that start too early are recognised by their start.
func (w *window) leave(c *correlation, e *entry) {
	if e.first {
		w.events--
	}
	switch c.kind {
	case valueCount:
		w.tally.remove(e.value)
	case temporal, temporalOrdered:
		if w.seen[e.rule]--; w.seen[e.rule] == 0 {
			w.mask &^= 1 << e.rule
		}
	case valueSum:
		w.addNumber(e.number(), -1)
	case valueMin, valueMax:
		if c.cond.holds(e.number()) {
			w.hits--
		}
	}
}

// addNumber adds a value, or takes it away. Sums of whole numbers below 2^53
// are exact in whatever order that happens; others are made again when needed.
func (w *window) addNumber(v, sign float64) {
	w.sum += sign * v
	w.size += sign * math.Abs(v)
	if v != math.Trunc(v) || w.size >= 1<<53 {
		w.rough = true
	}
}

// enterOrdered keeps, for every beginning of an order that rules may appear
// in, the latest time at which an occurrence of it that has ended by now
// starts. A window from t on holds the whole order when that time is not
// before t. Events of one time enter in the order of rules, so they may follow
// each other.
//
// With alternatives, there is one run of times for each: its rules in order.
// With a threshold, chains[r*n+l] is for the occurrences of l+1 different
// rules in order that end with rule r.
func (w *window) enterOrdered(c *correlation, e *entry) {
	if len(c.terms) > 0 {
		at := 0
		for _, t := range c.terms {
			if t.present&(1<<e.rule) != 0 {
				i := at + bits.OnesCount64(t.present&(1<<e.rule-1))
				if i == at {
					w.chains[i] = e.time
				} else {
					w.chains[i] = w.chains[i-1]
				}
			}
			at += bits.OnesCount64(t.present)
		}
		return
	}
	n := len(c.rules)
	r := int(e.rule)
	w.chains[r*n] = e.time
	for l := 1; l <= r; l++ {
		for before := l - 1; before < r; before++ {
			w.chains[r*n+l] = max(w.chains[r*n+l], w.chains[before*n+l-1])
		}
	}
}

// longest returns how many different rules appear in order from start on.
func (w *window) longest(c *correlation, start int64) int {
	n := len(c.rules)
	for l := bits.OnesCount64(w.mask); l > 0; l-- {
		for r := l - 1; r < n; r++ {
			if w.chains[r*n+l-1] >= start {
				return l
			}
		}
	}
	return 0
}

// holds tells whether the condition does. start is where the window starts,
// and events are those in it. value is what a threshold was compared with.
func (w *window) holds(c *correlation, start int64, events []entry) (value float64, ok bool) {
	if len(c.cond) == 0 {
		return float64(bits.OnesCount64(w.mask)), w.alternative(c, start)
	}
	switch c.kind {
	case eventCount:
		value = float64(w.events)
	case valueCount:
		value = float64(w.tally.len())
	case temporal:
		value = float64(bits.OnesCount64(w.mask))
	case temporalOrdered:
		value = float64(w.longest(c, start))
	case valueSum:
		if w.rough {
			w.sumAgain(events)
		}
		value = w.sum
	case valueMin, valueMax:
		if c.closing {
			value = extreme(c.kind, w.values)
			break
		}
		if w.hits == 0 {
			return 0, false
		}
		return extremeOf(c.kind, events), true
	default:
		value = statistic(c, w.values)
	}
	return value, c.cond.holds(value)
}

// sumAgain adds the values up once more, in the order of time, so that no error piles up.
func (w *window) sumAgain(events []entry) {
	w.sum, w.size, w.rough = 0, 0, false
	for i := range events {
		w.addNumber(events[i].number(), 1)
	}
}

// alternative tells whether one of the extended condition's terms holds.
func (w *window) alternative(c *correlation, start int64) bool {
	at := 0
	for _, t := range c.terms {
		n := bits.OnesCount64(t.present)
		at += n
		if w.mask&t.present != t.present || w.mask&t.absent != 0 {
			continue
		}
		if c.kind == temporal || n == 0 || w.chains[at-1] >= start {
			return true
		}
	}
	return false
}

func extremeOf(k kind, events []entry) float64 {
	values := make([]float64, len(events))
	for i := range events {
		values[i] = events[i].number()
	}
	return extreme(k, values)
}

func extreme(k kind, values []float64) float64 {
	if k == valueMin {
		return slices.Min(values)
	}
	return slices.Max(values)
}

// statistic returns the average, median or percentile of values, which it may
// reorder. The percentile is the nearest rank: the least value that at least
// that share of the values does not exceed.
func statistic(c *correlation, values []float64) float64 {
	n := len(values)
	if c.kind == valueAvg {
		sum := 0.0
		for _, v := range values {
			sum += v
		}
		return sum / float64(n)
	}
	slices.Sort(values)
	if c.kind == valueMedian {
		return values[(n-1)/2]/2 + values[n/2]/2
	}
	return values[max(0, (n*c.rule.Condition.Percentile+99)/100-1)]
}

// tally counts how often each value is in a window: few in a slice, many in a
// map.
type tally struct {
	few  []counted
	many map[uint64]int32
}

type counted struct {
	value uint64
	n     int32
}

const fewValues = 16

func (t *tally) len() int { return len(t.few) + len(t.many) }

func (t *tally) add(v uint64) {
	if t.many != nil {
		t.many[v]++
		return
	}
	for i := range t.few {
		if t.few[i].value == v {
			t.few[i].n++
			return
		}
	}
	if len(t.few) < fewValues {
		t.few = append(t.few, counted{v, 1})
		return
	}
	t.many = make(map[uint64]int32, 4*fewValues)
	for _, c := range t.few {
		t.many[c.value] = c.n
	}
	t.few = nil
	t.many[v]++
}

func (t *tally) remove(v uint64) {
	if t.many != nil {
		if t.many[v]--; t.many[v] <= 0 {
			delete(t.many, v)
		}
		if len(t.many) == 0 {
			t.many = nil
		}
		return
	}
	for i := range t.few {
		if t.few[i].value == v {
			if t.few[i].n--; t.few[i].n == 0 {
				last := len(t.few) - 1
				t.few[i] = t.few[last]
				t.few = t.few[:last]
			}
			return
		}
	}
}
