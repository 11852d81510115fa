package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"borj.dev/borj/watch/sigma"
)

// WriteStats writes the statistics of a run as one JSON object. Its keys up to
// indicators are a contract with other programs; the rest may grow.
func WriteStats(w io.Writer, t *Tally, r *Run) error {
	s := struct {
		Events    int64   `json:"events"`
		Bytes     int64   `json:"bytes"`
		Malformed int64   `json:"malformed"`
		Hits      int64   `json:"hits"`
		Seconds   float64 `json:"seconds"`
		Rate      float64 `json:"events_per_second"`

		Rules struct {
			Loaded       int             `json:"loaded"`
			Skipped      int             `json:"skipped"`
			Unfed        int             `json:"unfed"`
			Failed       []sigma.Failure `json:"failed"`
			SkippedRules []sigma.Skipped `json:"skipped_rules"`
			UnfedRules   []RuleRef       `json:"unfed_rules"`
		} `json:"rules"`
		Indicators struct {
			Loaded  int64              `json:"loaded"`
			Skipped int64              `json:"skipped"`
			Failed  []IndicatorFailure `json:"failed"` // the first of them
			Count   int64              `json:"failed_count"`
		} `json:"indicators"`

		ByLevel    map[string]int64 `json:"by_level"`
		ByKind     map[string]int64 `json:"by_kind"`
		Tactics    []Count          `json:"tactics"`
		Techniques []Count          `json:"techniques"`
		Reasons    []Count          `json:"malformed_reasons"`
		Suppressed []Count          `json:"suppressed"`
		Inputs     []statsInput     `json:"inputs"`
		PassedOver []string         `json:"passed_over"`
		Problems   []string         `json:"problems"`
		Warnings   []string         `json:"warnings"`
	}{
		Events: r.Events, Bytes: r.Bytes, Malformed: r.Malformed, Hits: t.hits,
		Seconds: round(r.Elapsed.Seconds(), 1e6), Rate: round(perSecond(r.Events, r), 10),
		ByLevel: t.byLevel(), ByKind: t.kinds,
		Tactics: ranked(t.tactics), Techniques: ranked(t.techniques),
		Reasons: orEmpty(r.Reasons), Suppressed: orEmpty(r.Suppressed),
		Inputs: statsInputs(r.Inputs), PassedOver: []string{}, Problems: []string{}, Warnings: orEmpty(r.Warnings),
	}
	s.Rules.Loaded, s.Rules.Skipped, s.Rules.Unfed = r.Rules.Loaded, len(r.Rules.Skipped), len(r.Rules.Unfed)
	s.Rules.Failed = orEmpty(r.Rules.Failed)
	s.Rules.SkippedRules, s.Rules.UnfedRules = orEmpty(r.Rules.Skipped), orEmpty(r.Rules.Unfed)
	s.Indicators.Loaded, s.Indicators.Skipped = r.Indicators.Loaded, r.Indicators.Skipped
	s.Indicators.Failed, s.Indicators.Count = orEmpty(r.Indicators.Failed), r.Indicators.failed()

	for _, in := range r.PassedOver {
		s.PassedOver = append(s.PassedOver, in.Name)
	}
	for _, p := range r.Problems {
		s.Problems = append(s.Problems, p.Error())
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("write statistics: %w", err)
	}
	_, err := w.Write(appendVisible(nil, b.Bytes()))
	return err
}

type statsInput struct {
	Name      string `json:"name"`
	Format    string `json:"format"`
	Shape     string `json:"shape"`
	Events    int64  `json:"events"`
	Bytes     int64  `json:"bytes"`
	Malformed int64  `json:"malformed"`
}

func statsInputs(inputs []Input) []statsInput {
	list := make([]statsInput, len(inputs))
	for i, in := range inputs {
		list[i] = statsInput{in.Name, in.Format.String(), in.Shape, in.Events, in.Bytes, in.Malformed}
	}
	return list
}

func (t *Tally) byLevel() map[string]int64 {
	by := make(map[string]int64, len(t.levels))
	for l, n := range t.levels {
		by[sigma.Level(l).String()] = n
	}
	return by
}

// orEmpty makes an absent list [] instead of null.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// perSecond returns n over the run's time, and 0 for a run too short to tell.
func perSecond(n int64, r *Run) float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(n) / r.Elapsed.Seconds()
}

func round(f, unit float64) float64 { return math.Round(f*unit) / unit }
