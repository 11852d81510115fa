package watch

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/correlate"
	"borj.dev/borj/watch/sigma/match"
)

// Sets is all that records are matched against. Both parts may be nil.
type Sets struct {
	Rules      *Rules
	Indicators *indicator.Set
	// IndicatorLevel is the level of every indicator hit: an indicator says that
	// something was met, and whoever watches says how bad that is.
	IndicatorLevel sigma.Level
}

// Batch is what the records of one chunk gave. Record numbers in it count from
// 0 within the chunk.
type Batch struct {
	Input   *record.Input
	First   bool // the first of its input
	Records int
	Bytes   int64
	Rejects []record.Reject
	found   []finding
}

// finding is a hit, or a match of a base rule that correlations wait for.
type finding struct {
	record int
	hash   *[sha256.Size]byte // of the record, shared by its findings
	hit    *Hit
	rule   *base
	values [][]string
	time   time.Time
	timed  bool
}

// Worker matches the records of one chunk after another. It is not safe for
// concurrent use; Workers that share a path table may run side by side.
type Worker struct {
	sets      *Sets
	fl        *record.Flattener
	rules     *match.Worker
	extractor *observable.Extractor
	matcher   *indicator.Worker
	seen      []observable.Observable
	held      []int
	batch     *Batch
}

// NewWorker returns a Worker. now gives the time for records that have none,
// for indicators that are valid for a while.
func NewWorker(sets *Sets, paths *record.Paths, limits record.Limits, now func() time.Time) *Worker {
	w := &Worker{sets: sets, fl: record.NewFlattener(paths, limits)}
	if sets.Rules != nil {
		w.rules = sets.Rules.matcher.NewWorker(paths)
	}
	if sets.Indicators != nil {
		w.extractor = observable.NewExtractor(sets.Indicators.Kinds())
		w.matcher = indicator.NewWorker(now)
	}
	return w
}

// Scan matches every record of the chunk, and releases it.
func (w *Worker) Scan(c *record.Chunk) *Batch {
	w.batch = &Batch{Input: c.Input, First: c.First, Bytes: c.Bytes()}
	w.batch.Records = c.Each(w.fl, w.record, func(n int, r record.Reject) {
		r.Record = int64(n)
		w.batch.Rejects = append(w.batch.Rejects, r)
	})
	c.Release()
	return w.batch
}

// record matches one record. Should that fail in a way that nobody foresaw, the
// record is set aside and the next one read: a node must not be stopped by one
// line of a log.
func (w *Worker) record(n int, rec *record.Record) {
	before := len(w.batch.found)
	defer func() {
		if p := recover(); p != nil {
			w.batch.found = w.batch.found[:before]
			w.batch.Rejects = append(w.batch.Rejects, record.Reject{
				Input: w.batch.Input.Name, Record: int64(n), Bytes: int64(len(rec.Raw)),
				Reason: fmt.Sprintf("internal error, please report it: %v", p),
			})
		}
	}()
	m := marker{w: w, n: n, rec: rec}
	if w.rules != nil {
		w.held = w.rules.Match(rec, w.held[:0])
		for i, at := range w.held {
			// A rule that holds for the record as one source and as another
			// hits once.
			if i == 0 || w.sets.Rules.routed[w.held[i-1]].Rule != w.sets.Rules.routed[at].Rule {
				m.rule(at)
			}
		}
	}
	if w.matcher != nil {
		w.seen = w.extractor.Extract(rec, w.seen[:0])
		if len(w.seen) > 0 {
			w.sets.Indicators.Match(w.matcher, rec, w.seen, m.indicator)
		}
	}
}

// marker makes the findings of one record. What they share is made once.
type marker struct {
	w     *Worker
	n     int
	rec   *record.Record
	view  *sigma.View
	hash  *[sha256.Size]byte
	event []byte
	time  time.Time
	timed bool
	host  string
}

func (m *marker) add(f finding) {
	f.record, f.hash, f.time, f.timed = m.n, m.hash, m.time, m.timed
	m.w.batch.found = append(m.w.batch.found, f)
}

// share makes what all findings of the record need.
func (m *marker) share() {
	if m.hash != nil {
		return
	}
	sum := sha256.Sum256(m.rec.Raw)
	m.hash = &sum
	m.time, m.timed = m.rec.Time()
	m.host = m.rec.Host()
}

// hit returns a hit with what all hits of the record have in common.
func (m *marker) hit() *Hit {
	m.share()
	if m.event == nil {
		m.event = m.rec.AppendEvent(nil)
	}
	return &Hit{Time: m.time, Host: m.host, Source: Source{Input: m.w.batch.Input.Name}, Event: m.event}
}

func (m *marker) rule(at int) {
	rules := m.w.sets.Rules
	if b := rules.bases[at]; b != nil {
		m.share()
		m.add(finding{rule: b, values: valuesOf(m.rec, b.fields)})
		if b.silent {
			return
		}
	}
	h := m.hit()
	h.Kind, h.Level, h.Rule = KindSigma, rules.routed[at].Rule.Level, rules.names[at]
	if m.view == nil {
		m.view = sigma.NewView(m.rec)
	}
	for _, f := range m.view.Matched(rules.routed[at].Expr) {
		h.Matched = append(h.Matched, MatchedPair(f))
	}
	m.add(finding{hit: h})
}

// valuesOf returns every value of each field, which may have several names. A
// value that two of them reach counts once.
func valuesOf(rec *record.Record, fields [][]string) [][]string {
	values := make([][]string, len(fields))
	for i, names := range fields {
		for k := range rec.Fields {
			f := &rec.Fields[k]
			if !slices.ContainsFunc(rec.NamesOf(f), func(n string) bool { return slices.Contains(names, n) }) {
				continue
			}
			if text, _, ok := sigma.ValueText(rec, f, nil); ok {
				values[i] = append(values[i], string(text))
			}
		}
	}
	return values
}

func (m *marker) indicator(found *indicator.Hit) {
	h := m.hit()
	h.Kind, h.Level, h.Indicator = KindIndicator, m.w.sets.IndicatorLevel, indicatorOf(found)
	for _, i := range found.Matched {
		f := &m.rec.Fields[i]
		h.Matched = append(h.Matched, MatchedPair{Path: m.rec.Locate(f), Value: m.rec.String(f)})
	}
	m.add(finding{hit: h})
}

// indicatorOf says what is known of an indicator: what the origin says that
// gave it its id, or the first, and which others have it.
func indicatorOf(found *indicator.Hit) *Indicator {
	at := max(slices.IndexFunc(found.Origins, func(o indicator.Origin) bool { return o.ID == found.ID }), 0)
	o := found.Origins[at]
	ind := &Indicator{
		ID: found.ID, Type: found.Type, Value: found.Value,
		Source: o.Source, Name: o.Name, TLP: o.TLP, Confidence: max(o.Confidence, 0),
	}
	for i, other := range found.Origins {
		if i != at && other.Source != o.Source && !slices.Contains(ind.AlsoIn, other.Source) {
			ind.AlsoIn = append(ind.AlsoIn, other.Source)
		}
	}
	return ind
}

func (f *finding) event(input string, number int64, sensor string) correlate.Event {
	return correlate.Event{
		Rule: f.rule.key, Time: f.time, HasTime: f.timed, Values: f.values,
		Ref: correlate.Ref{Input: input, Record: number, Sensor: sensor},
	}
}
