// Package watch owns the engine that joins readers, rules and indicators, and
// the Hit it emits. It refuses to keep anything: where hits are written or
// stored is for whoever runs it to say.
package watch

import (
	"time"

	"borj.dev/borj/watch/sigma"
)

// Hit is one finding. Its JSON form, which package output writes, is a
// contract with other programs; the comments below give its keys.
type Hit struct {
	ID        string        // id: equal for the same finding in the same record, whenever it is read
	Time      time.Time     // time: of the event; zero when the record has none, and then left out
	Kind      Kind          // kind
	Level     sigma.Level   // level
	Rule      *Rule         // rule: sigma and correlation
	Indicator *Indicator    // indicator: indicator
	Source    Source        // source
	Host      string        // of the event, for people and summaries; not in the JSON form
	Matched   []MatchedPair // matched: the fields that made the finding true
	Event     []byte        // event: the record as JSON, shared by all of a record's hits

	// What several records gave together (correlation, multi-record pattern).
	Records             []Source // records
	Count               int64    // count; left out when zero
	FirstSeen, LastSeen time.Time
}

// Kind is what found a hit.
type Kind uint8

// The kinds, by the names that the JSON form uses.
const (
	KindSigma       Kind = iota // "sigma"
	KindCorrelation             // "correlation"
	KindIndicator               // "indicator"
	KindAnomaly                 // "anomaly"
)

var kindNames = [...]string{"sigma", "correlation", "indicator", "anomaly"}

// String returns the name that the JSON form uses.
func (k Kind) String() string { return kindNames[k] }

// Rule names the rule of a hit. All hits of a rule share one value.
type Rule struct {
	ID, Title string
	Tags      []string // attack.t1059.001, cve.2024-1234 …

	key string // the id, or for a rule without one what tells it from others
}

// Indicator names the indicator of a hit. All hits of an indicator share one
// value.
type Indicator struct {
	ID     string
	Type   string // ipv4-addr, domain-name, file:sha256 …
	Value  string
	Source string // the feed it came from

	// What the source says of it, as far as it does.
	Name       string
	TLP        string   // clear, green, amber, amber+strict, red
	Confidence int      // 1 to 100; 0 when the source gives none
	AlsoIn     []string // other feeds that have it
}

// Source says where a record stands.
type Source struct {
	Input  string // file name, archive member after "!"
	Record int64  // from 1 within the input
	Sensor string // who recorded it; may be empty
}

// MatchedPair is one field of a record and the value that matched.
type MatchedPair struct{ Path, Value string }
