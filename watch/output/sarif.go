package output

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/sigma"
)

// SARIF writes one run of a SARIF 2.1.0 log (OASIS, errata 01). Results are
// written as they come; the rules that they refer to by index follow in Close,
// so that memory grows with the rules that hit, not with the hits.
type SARIF struct {
	w       io.Writer
	version string
	begun   bool
	rules   []sarifRule
	index   map[string]int // rule id → its place in rules
}

// sarifOpening ends inside the array of results.
const sarifOpening = `{"$schema":"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",` +
	`"version":"2.1.0","runs":[{"results":[`

// NewSARIF returns a Writer of SARIF.
func NewSARIF(w io.Writer, o Options) *SARIF {
	return &SARIF{w: w, version: o.Version, index: make(map[string]int)}
}

// The objects of SARIF that are used, by section of the standard.
type (
	sarifMessage struct { // §3.11
		Text string `json:"text"`
	}
	sarifRule struct { // reportingDescriptor, §3.49
		ID      string       `json:"id"`
		Short   sarifMessage `json:"shortDescription"`
		Help    sarifMessage `json:"help"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"` // §3.50
		Properties sarifRuleBag `json:"properties"`
	}
	sarifRuleBag struct {
		Tags     []string `json:"tags,omitempty"` // §3.8.2
		Severity string   `json:"security-severity"`
	}
	sarifResult struct { // §3.27
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifMessage      `json:"message"`
		Locations    []sarifLocation   `json:"locations"`
		Related      []sarifLocation   `json:"relatedLocations,omitempty"`
		Occurrences  int64             `json:"occurrenceCount,omitempty"`
		Fingerprints map[string]string `json:"fingerprints"`
		Properties   sarifBag          `json:"properties"`
	}
	sarifLocation struct { // §3.28
		Physical sarifPhysical  `json:"physicalLocation"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct { // §3.29
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
	}
	sarifLogical struct { // §3.33: the record; a line number would be false for most formats
		Name      string `json:"name"`
		Qualified string `json:"fullyQualifiedName"`
		Kind      string `json:"kind"`
	}
	sarifBag struct {
		Level     string          `json:"borj/level"`
		Kind      string          `json:"borj/kind"`
		Time      string          `json:"time,omitempty"`
		FirstSeen string          `json:"firstSeen,omitempty"`
		LastSeen  string          `json:"lastSeen,omitempty"`
		Host      string          `json:"host,omitempty"`
		Sensor    string          `json:"sensor,omitempty"`
		Indicator json.RawMessage `json:"indicator,omitempty"`
		Matched   json.RawMessage `json:"matched"`
		LeftOut   int             `json:"matchedLeftOut,omitempty"`
	}
)

// Write writes h as a result.
func (s *SARIF) Write(h *watch.Hit) error {
	lead := ",\n"
	if !s.begun {
		s.begun = true
		lead = sarifOpening + "\n"
	}
	rule := s.rule(h)
	matched, left := bounded(h.Matched)
	result := sarifResult{
		RuleID:       s.rules[rule].ID,
		RuleIndex:    rule,
		Level:        sarifLevel(h.Level),
		Message:      sarifMessage{sarifText(h)},
		Locations:    []sarifLocation{sarifAt(h.Source)},
		Occurrences:  h.Count,
		Fingerprints: map[string]string{"borj/hit/v1": h.ID},
		Properties: sarifBag{
			Level:     h.Level.String(),
			Kind:      h.Kind.String(),
			Time:      sarifTime(h.Time),
			FirstSeen: sarifTime(h.FirstSeen),
			LastSeen:  sarifTime(h.LastSeen),
			Host:      cut(h.Host, cutName),
			Sensor:    h.Source.Sensor,
			Matched:   appendMatched(nil, matched),
			LeftOut:   left,
		},
	}
	if h.Indicator != nil {
		result.Properties.Indicator = appendIndicator(nil, h.Indicator)
	}
	seen := make(map[watch.Source]bool, len(h.Records)) // locations are a set
	for _, r := range h.Records {
		if !seen[r] {
			seen[r] = true
			result.Related = append(result.Related, sarifAt(r))
		}
	}
	return s.put(lead, result)
}

// Close writes the tool and its rules, and ends the log.
func (s *SARIF) Close() error {
	lead := "\n],\"tool\":"
	if !s.begun {
		lead = sarifOpening + "],\"tool\":"
	}
	driver := struct { // toolComponent, §3.19
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		Rules   []sarifRule `json:"rules"`
	}{"Borj", s.version, append([]sarifRule{}, s.rules...)}
	if err := s.put(lead, map[string]any{"driver": driver}); err != nil {
		return err
	}
	_, err := io.WriteString(s.w, "}]}\n")
	return err
}

func (s *SARIF) put(lead string, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write SARIF: %w", err)
	}
	_, err = s.w.Write(appendVisible([]byte(lead), body))
	return err
}

// rule returns the index of h's rule. An indicator's rule is its type: a
// million indicators are no million rules.
func (s *SARIF) rule(h *watch.Hit) int {
	id, title, tags := h.Kind.String(), "A finding of kind "+h.Kind.String(), []string(nil)
	switch {
	case h.Rule != nil:
		id, title, tags = h.Rule.ID, ruleName(h.Rule), h.Rule.Tags
		if id == "" {
			id = title
		}
	case h.Indicator != nil:
		id = "indicator/" + h.Indicator.Type
		title = "A record holds an indicator of type " + h.Indicator.Type
	}
	if i, ok := s.index[id]; ok {
		return i
	}
	r := sarifRule{ID: id, Short: sarifMessage{sarifEscape(title)}}
	r.Help.Text = sarifEscape(title + ". Read the record at the location given, and judge it with its neighbours.")
	r.Default.Level = sarifLevel(h.Level)
	r.Properties.Severity = sarifSeverity[h.Level]
	for _, t := range tags {
		if !slices.Contains(r.Properties.Tags, t) { // tags are a set
			r.Properties.Tags = append(r.Properties.Tags, t)
		}
	}
	s.index[id] = len(s.rules)
	s.rules = append(s.rules, r)
	return len(s.rules) - 1
}

// sarifSeverity is a CVSS-like number, which several readers of SARIF rank by.
var sarifSeverity = [...]string{"0.0", "3.0", "5.5", "8.0", "9.5"}

// sarifLevel maps to the levels of §3.27.10.
func sarifLevel(l sigma.Level) string {
	switch {
	case l >= sigma.High:
		return "error"
	case l == sigma.Medium:
		return "warning"
	}
	return "note"
}

// sarifText says what was found, where, and by which values (the first three).
func sarifText(h *watch.Hit) string {
	var b strings.Builder
	b.WriteString(ruleText(h))
	if at := host(h); at != "-" {
		b.WriteString(" on " + at)
	}
	for i, p := range h.Matched[:min(3, len(h.Matched))] {
		b.WriteString([...]string{": ", ", ", ", "}[i])
		b.WriteString(fit(Harmless(cut(p.Path, 200)), 200) + "=" + fit(Harmless(cut(p.Value, 200)), 200))
	}
	return sarifEscape(b.String())
}

// sarifEscape keeps text from being read as a placeholder (§3.11.5) or as a
// link (§3.11.6) that a record smuggled in.
func sarifEscape(s string) string {
	return strings.NewReplacer("{", "{{", "}", "}}", "[", `\[`, "]", `\]`).Replace(Harmless(s))
}

func sarifAt(s watch.Source) sarifLocation {
	var at sarifLocation
	at.Physical.Artifact.URI = sarifURI(s.Input)
	at.Logical = []sarifLogical{{
		Name:      fmt.Sprintf("record %d", s.Record),
		Qualified: fmt.Sprintf("%s#%d", s.Input, s.Record),
		Kind:      "record",
	}}
	return at
}

// sarifURI makes a URI reference of a file name (§3.10).
func sarifURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(name)}
	if filepath.IsAbs(name) {
		u.Scheme = "file"
	}
	return u.String()
}

// sarifTime writes t as §3.9 wants it, in UTC; "" when it is unknown.
func sarifTime(t time.Time) string {
	b := appendTime(nil, "", t)
	if len(b) == 0 {
		return ""
	}
	return string(b[1 : len(b)-1])
}
