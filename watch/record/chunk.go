package record

import (
	"bytes"
	"cmp"
	"strings"
	"sync"
	"unicode/utf8"
)

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

const (
	chunkBytes  = 1 << 20
	chunkSpans  = 1 << 16 // records of one chunk, where each costs a span
	sampleBytes = 200
)

// Chunk is a run of whole records of one input, about 1 MiB. It may be handed
// to another goroutine, and is given back with Release.
type Chunk struct {
	Input *Input
	First bool // the first chunk of its input: record numbers start again

	offset  int64  // of data within the input
	data    []byte // a part of block
	block   []byte // what goes back to the pool
	cut     cutting
	spans   []span   // cutSpans: the records of data
	columns *columns // CSV and Zeek TSV: nil before a header was seen
	count   int
}

// cutting is how a worker finds the records of a chunk.
type cutting uint8

const (
	cutLines cutting = iota // one record a line
	cutSpans                // where spans say
)

// span bounds one record in Chunk.data.
type span struct {
	start, end uint32
	reason     string  // why it is set aside; "" leaves that to whoever flattens it
	lost       *Reject // it was too long to be kept, and is not in data
}

// Each cuts the chunk into records and flattens them with fl, in order. Each
// calls accept with those that were read and reject with those that were set
// aside; n counts both from 0 within the chunk. Reject.Record is left to the
// caller, who knows how many records the chunks before this one held. The
// record is valid until accept returns. Each returns the number of records.
func (c *Chunk) Each(fl *Flattener, accept func(n int, r *Record), reject func(n int, rej Reject)) (records int) {
	n := 0
	read := c.reader(fl)
	one := func(start, end int, reason string) {
		raw := c.data[start:end]
		if reason == "" {
			rec, err := read(raw)
			if err == nil {
				accept(n, rec)
				n++
				return
			}
			reason = err.Error()
		}
		reject(n, Reject{Input: c.Input.Name, Offset: c.offset + int64(start), Bytes: int64(len(raw)), Reason: reason, Sample: sample(raw)})
		n++
	}
	if c.cut == cutSpans {
		for _, s := range c.spans {
			if s.lost != nil {
				reject(n, *s.lost)
				n++
				continue
			}
			one(int(s.start), int(s.end), s.reason)
		}
	} else {
		for start := 0; start < len(c.data); {
			end := bytes.IndexByte(c.data[start:], '\n')
			next := start + end + 1
			if end < 0 {
				next = len(c.data)
				end = next
			} else {
				end += start
			}
			if end > start && c.data[end-1] == '\r' {
				end--
			}
			comment := c.Input.Shape == ShapeZeekTSV && c.data[start] == '#' && end-start <= fl.limits.Line
			if !comment && skipSpace(c.data[:end], start) < end {
				one(start, end, "")
			}
			start = next
		}
	}
	c.count = n
	return n
}

// Count returns the number of records of the chunk, known after Each.
func (c *Chunk) Count() int { return c.count }

// Bytes returns the length of the chunk's text, the records that were too long
// to be kept included.
func (c *Chunk) Bytes() int64 {
	n := int64(len(c.data))
	for i := range c.spans {
		if lost := c.spans[i].lost; lost != nil {
			n += lost.Bytes
		}
	}
	return n
}

// Release gives the chunk's memory back. Neither the chunk nor any record of
// it may be used afterwards.
func (c *Chunk) Release() {
	if cap(c.block) == chunkBytes {
		blocks.Put((*[chunkBytes]byte)(c.block[:chunkBytes]))
	}
	*c = Chunk{Input: c.Input, First: c.First, count: c.count}
}

// reader returns the function that turns the text of one record into its view.
func (c *Chunk) reader(fl *Flattener) func(raw []byte) (*Record, error) {
	switch {
	case c.columns != nil && c.columns.zeek:
		return newZeekRows(fl, c.columns).read
	case c.columns != nil:
		return newCSVRows(fl, c.columns).read
	case c.Input.Shape == ShapeZeekTSV:
		return func(raw []byte) (*Record, error) {
			return nil, cmp.Or(fl.beginText(raw, FormatZeek, nil), errNoZeekHeader)
		}
	case c.Input.Shape == ShapeAudit:
		a := newAuditLines(fl)
		return a.read
	}
	return func(raw []byte) (*Record, error) { return fl.Flatten(raw, c.Input.Format) }
}

// blocks keeps the memory of chunks for reuse. It holds nothing but memory.
var blocks = sync.Pool{New: func() any { return new([chunkBytes]byte) }}

func newBlock(n int) []byte {
	if n != chunkBytes {
		return make([]byte, 0, n)
	}
	return blocks.Get().(*[chunkBytes]byte)[:0]
}

// sample returns the first bytes of a record, for people and valid in JSON.
func sample(raw []byte) string {
	if len(raw) > sampleBytes {
		raw = raw[:sampleBytes]
		for i := 0; i < utf8.UTFMax-1 && len(raw) > 0; i++ { // do not blame a character that was cut
			if r, size := utf8.DecodeLastRune(raw); r != utf8.RuneError || size != 1 {
				break
			}
			raw = raw[:len(raw)-1]
		}
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

// tooLong describes a record of which only the first bytes were kept.
func tooLong(in *Input, offset, length int64, head []byte) *Reject {
	return &Reject{Input: in.Name, Offset: offset, Bytes: length, Reason: ErrLine.Error(), Sample: sample(head)}
}
