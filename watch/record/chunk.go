package record

// Input is one stream of records: a file, a member of an archive, or standard
// input.
type Input struct {
	Name   string // as given; an archive member follows after "!"
	Format Format
	Shape  string // how it is cut, for people: "JSON lines", "pretty-printed JSON", "Zeek TSV" …
}

// Reject is a record that was set aside.
type Reject struct {
	Input  string `json:"input"`
	Record int64  `json:"record"` // counted like hits: from 1 within the input, rejects included
	Offset int64  `json:"offset"` // of its first byte within the (decompressed) input
	Bytes  int64  `json:"bytes"`  // its length, as far as it was read
	Reason string `json:"reason"`
	Sample string `json:"sample"` // its first bytes, made valid UTF-8
}
