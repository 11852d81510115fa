package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/correlate"
)

// Sink takes what a run finds, in the order of the input whatever the number
// of workers is. An error ends the run.
type Sink interface {
	Hit(*Hit) error
	Reject(record.Reject) error
}

// Options say how a run works.
type Options struct {
	Workers  int    // goroutines that match; at least 1
	Sensor   string // who recorded the inputs
	Limits   record.Limits
	Now      func() time.Time
	Progress func(Progress) // called after every chunk, if set
}

// Progress is how far a run is.
type Progress struct {
	Events, Hits int64
	Read, Total  int64 // bytes of the inputs as stored; Total 0 when unknown
}

// InputResult is what one input held.
type InputResult struct {
	record.Input
	Events, Bytes, Malformed int64
}

// Result is what a run counted.
type Result struct {
	Events, Bytes, Malformed, Hits int64
	Inputs                         []InputResult
	Unfed                          []*sigma.Rule // rules that no record was fed to
	Correlations                   correlate.Stats
}

// Run reads src to its end, matches every record, and hands what it finds to
// sink. The error is the sink's, or the context's; inputs that could not be
// read are src.Problems.
func Run(ctx context.Context, src *record.Source, sets *Sets, sink Sink, opt Options) (*Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := newRun(sets, sink, opt)
	r.src = src
	// A source that waits for standard input does not see the context.
	defer context.AfterFunc(ctx, func() { _ = src.Close() })() // it was only read
	order := r.start(ctx)
	err := r.collect(order, cancel)
	for range order { // let the workers finish
	}
	r.wait.Wait()
	if err == nil {
		err = r.readErr
	}
	if err == nil && r.interrupted {
		err = context.Cause(ctx)
	}
	if err == nil && r.state != nil {
		err = r.fired(r.state.Flush())
	}
	r.finish()
	return &r.result, err
}

type run struct {
	sets    *Sets
	src     *record.Source
	sink    Sink
	opt     Options
	workers []*Worker
	wait    sync.WaitGroup
	state   *correlate.State
	result  Result

	readErr     error
	interrupted bool

	base     int64 // records of the current input before this batch
	ordinals ordinals
}

func newRun(sets *Sets, sink Sink, opt Options) *run {
	opt.Workers = max(opt.Workers, 1)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Limits == (record.Limits{}) {
		opt.Limits = record.DefaultLimits
	}
	r := &run{sets: sets, sink: sink, opt: opt}
	paths := record.NewPaths(0)
	for range opt.Workers {
		r.workers = append(r.workers, NewWorker(sets, paths, opt.Limits, opt.Now))
	}
	if sets.Rules != nil && sets.Rules.plan.Len() > 0 {
		r.state = sets.Rules.plan.NewState()
	}
	return r
}

// job is a chunk on its way through a worker.
type job struct {
	chunk *record.Chunk
	done  chan *Batch
}

// start reads and matches in the background. What comes out of the channel is
// in input order; each job's done gives its batch once.
func (r *run) start(ctx context.Context) <-chan job {
	// What is read and not yet written is bounded by this.
	order := make(chan job, 2*r.opt.Workers)
	jobs := make(chan job)
	r.wait.Go(func() {
		defer close(order)
		defer close(jobs)
		for {
			c, err := r.src.Next()
			if err != nil {
				r.interrupted = ctx.Err() != nil
				if !errors.Is(err, io.EOF) {
					r.readErr = fmt.Errorf("reading the inputs: %w", err)
				}
				return
			}
			j := job{c, make(chan *Batch, 1)}
			if !send(ctx, jobs, j) {
				r.interrupted = true
				c.Release()
				return
			}
			order <- j
		}
	})
	for _, w := range r.workers {
		r.wait.Go(func() {
			for j := range jobs {
				j.done <- w.Scan(j.chunk)
			}
		})
	}
	return order
}

// send is false when the context ended first.
func send(ctx context.Context, jobs chan<- job, j job) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case jobs <- j:
		return true
	}
}

// collect takes the batches in order.
func (r *run) collect(order <-chan job, cancel func()) error {
	for j := range order {
		if err := r.batch(<-j.done); err != nil {
			cancel()
			return err
		}
		if r.opt.Progress != nil {
			read, total := r.src.Progress()
			r.opt.Progress(Progress{r.result.Events, r.result.Hits, read, total})
		}
	}
	return nil
}

// batch numbers the records of a batch and hands on what they gave.
func (r *run) batch(b *Batch) error {
	if b.First || len(r.result.Inputs) == 0 {
		r.base, r.ordinals = 0, ordinals{}
		r.result.Inputs = append(r.result.Inputs, InputResult{})
	}
	in := &r.result.Inputs[len(r.result.Inputs)-1]
	in.Input = *b.Input
	for i := range b.found {
		if err := r.finding(b, &b.found[i]); err != nil {
			return err
		}
	}
	for _, rej := range b.Rejects {
		rej.Record += r.base + 1
		if err := r.sink.Reject(rej); err != nil {
			return err
		}
	}
	records := int64(b.Records)
	malformed := int64(len(b.Rejects))
	in.Events += records - malformed
	in.Bytes += b.Bytes
	in.Malformed += malformed
	r.result.Events += records - malformed
	r.result.Bytes += b.Bytes
	r.result.Malformed += malformed
	r.base += records
	return nil
}

func (r *run) finding(b *Batch, f *finding) error {
	number := r.base + int64(f.record) + 1
	ordinal := r.ordinals.of(f.hash)
	if f.hit == nil {
		if r.state == nil {
			return nil
		}
		return r.fired(r.state.Add(f.event(b.Input.Name, number, r.opt.Sensor)))
	}
	h := f.hit
	h.Source.Record, h.Source.Sensor = number, r.opt.Sensor
	h.ID = hitID(h.Time, h.found(), r.opt.Sensor, f.hash[:], ordinal)
	r.result.Hits++
	return r.sink.Hit(h)
}

// found names what the hit found, for its id.
func (h *Hit) found() string {
	if h.Indicator != nil {
		return "indicator " + h.Indicator.ID
	}
	return "rule " + h.Rule.key
}

// fired hands on what correlations found.
func (r *run) fired(list []correlate.Fired) error {
	for i := range list {
		r.result.Hits++
		if err := r.sink.Hit(r.correlated(&list[i])); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) correlated(f *correlate.Fired) *Hit {
	c := f.Correlation
	h := &Hit{
		Kind: KindCorrelation, Level: c.Level, Rule: r.sets.Rules.shown[c], Time: f.Time,
		Count: int64(f.Count), FirstSeen: f.First, LastSeen: f.Last,
	}
	key := []byte{}
	for _, g := range f.Group {
		h.Matched = append(h.Matched, MatchedPair{Path: g.Field, Value: g.Value})
		key = fmt.Appendf(key, "%q=%q ", g.Field, g.Value)
	}
	for _, ref := range f.Refs {
		h.Records = append(h.Records, Source{Input: ref.Input, Record: ref.Record, Sensor: ref.Sensor})
	}
	if n := len(h.Records); n > 0 {
		h.Source = h.Records[n-1]
	}
	key = fmt.Appendf(key, "%d %d %d", f.First.UnixNano(), f.Last.UnixNano(), f.Count)
	h.ID = hitID(h.Time, h.found(), r.opt.Sensor, key, 0)
	return h
}

// finish works out what the run can say of its rules.
func (r *run) finish() {
	if r.state != nil {
		r.result.Correlations = r.state.Stats()
	}
	if r.sets.Rules == nil {
		return
	}
	rules := r.sets.Rules
	fed := map[*Rule]bool{}
	for _, w := range r.workers {
		w.rules.Fed(func(rule int) { fed[rules.names[rule]] = true })
	}
	for i, name := range rules.names {
		if !fed[name] && (i == 0 || rules.names[i-1] != name) {
			r.result.Unfed = append(r.result.Unfed, rules.routed[i].Rule)
		}
	}
}
