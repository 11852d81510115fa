// Package record owns the reading of event records: how bytes are cut into
// records, and the flat view of one record that rules and indicators look at.
// It refuses to know what a field means to a rule or an indicator, and never
// copies or decodes a value before somebody asks for it.
package record

// Format is the shape an input was recognised as. It decides how bytes are
// cut into records, where a record's time and host stand, and which fields
// carry observables. It never changes by which names a field is reachable.
type Format uint8

// The formats, in the order in which detection tries them.
const (
	FormatJSON       Format = iota // any JSON object
	FormatEVE                      // Suricata EVE JSON
	FormatZeek                     // Zeek, JSON (both namings) or TSV
	FormatWindows                  // Windows events, whatever wrote them
	FormatAudit                    // Linux audit records, text or JSON
	FormatCloudTrail               // AWS CloudTrail and alike
	FormatCSV                      // comma separated, first line names the columns
)

var formatNames = [...]string{"json", "eve", "zeek", "windows", "audit", "cloudtrail", "csv"}

// String returns the name that --format uses.
func (f Format) String() string { return formatNames[f] }

// Kind is the type of a field's value.
type Kind uint8

// The kinds of value. Text, Quoted, ZeekText and Hex differ only in how their
// bytes are to be decoded; all four are strings to whoever asks.
const (
	Null     Kind = iota
	False         // JSON false, Zeek F
	True          // JSON true, Zeek T
	Number        // kept as written
	Empty         // {} or []
	Text          // a string whose bytes are its value
	Escaped       // a JSON string that holds at least one escape
	CSVText       // a CSV field that holds doubled quotes
	ZeekText      // a Zeek TSV value that holds \xNN escapes
	HexText       // bytes written as hexadecimal digits (auditd)
)

// IsString tells whether the value is a string, however it is written.
func (k Kind) IsString() bool { return k >= Text }

// Field is one value of a record. Start and End bound it in Record.Raw; for a
// string they stand inside the quotes.
type Field struct {
	Path       PathID
	Start, End uint32
	Kind       Kind
}

// Record is the flat view of one event. It is valid until its Flattener's
// next call. Fields are in the order in which the record has them; a path may
// occur many times (arrays, duplicate keys), and every value counts.
type Record struct {
	Raw    []byte // the text of the record
	Format Format
	Fields []Field

	owner   *Flattener
	paths   *Paths
	columns []string            // CSV and Zeek TSV: the header, to render the event
	coded   bool                // a \u escape stands for a character of which isHidden
	beyond  map[uint32][]string // by Field.Start: names of the fields beyond the path table, once asked for
}

// reset makes r the record that raw holds, without fields yet.
func (r *Record) reset(raw []byte, format Format) {
	r.Raw, r.Format, r.Fields = raw, format, r.Fields[:0]
	r.columns, r.beyond, r.coded = nil, nil, false
}

// isJSON tells whether Raw is a JSON object. Otherwise it is a line of text,
// and only Fields say what it holds.
func (r *Record) isJSON() bool {
	if r.columns != nil {
		return false
	}
	i := skipSpace(r.Raw, 0)
	return i < len(r.Raw) && r.Raw[i] == '{'
}

// escapedByWriters are the printable ASCII characters that JSON has to escape,
// or that common writers do.
const escapedByWriters = `"\/<>&'+`

// Verbatim tells that the printable ASCII characters of every value stand in Raw
// as they are, with the exception of " \ / < > & ' and +. Text without these that
// is not in Raw is then in no value.
func (r *Record) Verbatim() bool { return !r.coded && r.isJSON() }

// Bytes returns the value of f. It is a slice of Raw when nothing had to be
// decoded, and otherwise appended to buf; the second result is buf, grown, to
// be passed to the next call. Null, True, False, Number and Empty return
// their text as written.
func (r *Record) Bytes(f *Field, buf []byte) (value, grown []byte) {
	raw := r.Raw[f.Start:f.End]
	if f.Kind <= Text {
		return raw, buf
	}
	n := len(buf)
	buf = appendDecoded(buf, raw, f.Kind)
	return buf[n:], buf
}

// String returns a copy of the value of f, decoded.
func (r *Record) String(f *Field) string {
	v, _ := r.Bytes(f, nil)
	return string(v)
}

// Paths returns the table that Field.Path is an index of.
func (r *Record) Paths() *Paths { return r.paths }

// Values calls yield with each field that is reachable under name (see
// Paths.Names), until yield returns false.
func (r *Record) Values(name string) func(yield func(*Field) bool) {
	return func(yield func(*Field) bool) {
		for i := range r.Fields {
			f := &r.Fields[i]
			if r.hasName(f, name) && !yield(f) {
				return
			}
		}
	}
}

// First returns the first value of name, decoded, and whether there is one.
func (r *Record) First(name string) (string, bool) {
	for f := range r.Values(name) {
		return r.String(f), true
	}
	return "", false
}

// NamesOf returns the names by which f is reachable, its own path first. It is
// right for fields beyond the path table's bound too, where Paths.Names is not.
// The caller must not change the slice.
func (r *Record) NamesOf(f *Field) []string {
	if f.Path != Overflow {
		return r.facts(f).names
	}
	return r.namesBeyond(f)
}

// namesBeyond returns the names of a field that the path table has no room for.
func (r *Record) namesBeyond(f *Field) []string {
	if r.beyond == nil {
		r.beyond = r.beyondTable()
	}
	if names := r.beyond[f.Start]; names != nil {
		return names
	}
	return []string{""}
}

func (r *Record) hasName(f *Field, name string) bool {
	for _, n := range r.NamesOf(f) {
		if n == name {
			return true
		}
	}
	return false
}
