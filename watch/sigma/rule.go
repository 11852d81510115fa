// Package sigma owns the Sigma specification: reading rules, filters and
// correlations, applying modifiers and conditions, and a plain evaluator that
// reads like the specification and judges the fast one (package match). It
// refuses to know where a record came from: log sources are package pipeline's.
package sigma

import "strings"

// Rule is one detection rule as written, before a pipeline made it fit a log
// source. A pipeline works on a Clone.
type Rule struct {
	ID, Name, Title, Description string
	Status                       string // stable, test, experimental, deprecated, unsupported, or ""
	Level                        Level
	Tags                         []string // attack.t1059.001, cve.2024-1234, tlp.amber …
	Author, Date, Modified       string
	References, FalsePositives   []string
	Fields                       []string
	LogSource                    LogSource
	Detection                    Detection
	Taxonomy                     string         // "sigma" when absent
	Custom                       map[string]any // attributes that the specification does not name

	File string // archive members after "!"
	Line int    // of the document's first line in File
}

// LogSource says which records a rule is about.
type LogSource struct{ Category, Product, Service, Definition string }

// Level is a rule's severity, in rising order.
type Level uint8

// The levels. A rule without a level is Informational, as the taxonomy's
// least claim.
const (
	Informational Level = iota
	Low
	Medium
	High
	Critical
)

var levelNames = [...]string{"informational", "low", "medium", "high", "critical"}

func (l Level) String() string { return levelNames[l] }

// ParseLevel reads a level's name, in any case.
func ParseLevel(s string) (Level, bool) {
	for i, n := range levelNames {
		if strings.EqualFold(n, s) {
			return Level(i), true
		}
	}
	return Informational, false
}

// Detection is the detection part of a rule.
type Detection struct {
	Selections []Selection // in the order written
	Conditions []string    // as written; several are joined by or
	Line       int         // of the condition
}

// Selection is one named search identifier.
type Selection struct {
	Name string
	Node Node
	Line int
}

// Node is one of AllOf (a map), AnyOf (a list) and *Item.
type Node interface{ node() }

// AllOf holds when all of its nodes do: the entries of a map.
type AllOf []Node

// AnyOf holds when one of its nodes does: the entries of a list.
type AnyOf []Node

// Item is one entry of a map, or the plain values of a list (keywords, with
// no Field).
type Item struct {
	Field     string   // "" for keywords
	Modifiers []string // contains, all …, in the order written
	Values    []Value  // linked by or, by and with the modifier all
	Line      int
}

func (AllOf) node() {}
func (AnyOf) node() {}
func (*Item) node() {}

// Value is a scalar as the rule writes it, wildcards and escapes untouched.
type Value struct {
	Kind ValueKind
	Text string
}

// ValueKind is the YAML type of a Value.
type ValueKind uint8

// The YAML types that a value may have.
const (
	StringValue ValueKind = iota
	NumberValue
	BoolValue
	NullValue
	LiteralValue // a string in which * ? and \ mean themselves (what a pipeline made)
)

// Routed is a rule made ready for one log source by a pipeline.
type Routed struct {
	Rule     *Rule
	Pipeline string // which pipeline made it, for people; "" when none knew the log source
	Route    Expr   // holds for the records of the log source; nil: every record
	Expr     Expr   // the rule itself, fields named as those records name them
	// Generic marks a rule whose log source no pipeline knows. It is fed the
	// records of formats json and csv only.
	Generic bool
	// Renamed gives, for the fields that were asked for, the names by which
	// these records have them.
	Renamed map[string][]string
}

// Correlation is one correlation rule.
type Correlation struct {
	ID, Name, Title, Description, Status string
	Level                                Level
	HasLevel                             bool // false: Load gave it the highest level of its rules
	Tags                                 []string
	Type                                 string   // event_count, value_count, temporal …
	Rules                                []string // ids or names of rules and correlations
	GroupBy                              []string
	Timespan                             string                       // as written: 15m
	Aliases                              map[string]map[string]string // alias → rule → field
	Condition                            CorrelationCondition
	Generate                             bool // base rules give hits of their own too
	File                                 string
	Line                                 int
}

// CorrelationCondition is the threshold, or for the temporal types possibly an
// expression over rule names.
type CorrelationCondition struct {
	Comparisons []CorrelationComparison // all must hold
	Fields      []string                // value_count and the other value_ types
	Percentile  int                     // value_percentile
	Expression  string                  // temporal types, extended condition
}

// CorrelationComparison is one of gt, gte, lt, lte, eq, neq and its operand.
type CorrelationComparison struct {
	Op     string
	Number float64
}

// Failure is a rule that cannot be used, and why.
type Failure struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Rule   string `json:"rule,omitempty"` // id or title, where known
	Reason string `json:"reason"`
}

// Skipped is a rule left out on purpose: deprecated, unsupported, filtered by
// an option, or without values for its placeholders.
type Skipped = Failure

// Set is everything that a load of rules gave.
type Set struct {
	// MinLevel is the level that was asked for. Rules below it are here only
	// because correlations need them, and give no hits of their own.
	MinLevel     Level
	Rules        []*Rule // filters already joined to them, in file order
	Correlations []*Correlation
	Failed       []Failure
	Skipped      []Skipped
}
