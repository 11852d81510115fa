package record

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// Shapes: how an input's bytes are cut into records.
const (
	ShapeLines   = "JSON lines"
	ShapePretty  = "pretty-printed JSON"
	ShapeArray   = "JSON array"
	ShapeWrapped = "JSON array in an object" // CloudTrail's {"Records":[…]}
	ShapeZeekTSV = "Zeek TSV"
	ShapeCSV     = "CSV"
	ShapeAudit   = "audit log"
	ShapeEmpty   = "empty"
)

// framer cuts one stream of text into chunks.
type framer struct {
	r      io.Reader
	in     *Input
	limits Limits
	block  int // bytes of one chunk
	emit   func(*Chunk) error
	buf    []byte // read and not yet emitted
	offset int64  // of buf within the input
	err    error  // why there is nothing more to read; io.EOF at the end
}

// readStream recognises the layer and reads it to its end.
func (s *Source) readStream(st *stream, l layer) {
	defer close(st.chunks)
	st.input = &Input{Name: l.name}
	f := newFramer(decodeText(l.r), st.input, s.opt.Limits, chunkBytes, func(c *Chunk) error { return s.send(st, c) })
	f.fill(probeBytes)
	plan, err := detect(f.buf, f.err != nil, l.name, &s.opt)
	if err != nil {
		if f.err != nil && !errors.Is(f.err, io.EOF) {
			err = f.err
		}
		st.input.Shape = err.Error()
		if st.skipped = !l.named && errors.Is(err, errUnknownFormat); !st.skipped {
			st.err = problem(l.name, err)
		}
		return
	}
	st.input.Format, st.input.Shape = plan.format, plan.shape
	err = f.run(plan)
	if errors.Is(err, errStopped) {
		return
	}
	if err == nil && !errors.Is(f.err, io.EOF) {
		err = f.err
	}
	if err != nil {
		st.err = problem(l.name, err)
	}
}

func newFramer(r io.Reader, in *Input, limits Limits, block int, emit func(*Chunk) error) *framer {
	return &framer{r: r, in: in, limits: limits, block: block, emit: emit, buf: newBlock(block)}
}

// run cuts the input to its end. Its error is not that of reading, which f.err
// keeps.
func (f *framer) run(plan layout) error {
	switch plan.shape {
	case ShapeEmpty:
		return nil
	case ShapeLines, ShapeAudit:
		return f.lines(f.chunk)
	case ShapeZeekTSV:
		return f.lines((&zeekSplitter{f: f}).chunk)
	case ShapeCSV:
		return f.csv(plan.comma)
	}
	return f.structures(plan.wrapper)
}

// decodeText takes off a UTF-8 byte order mark and turns UTF-16 that begins
// with one into UTF-8.
func decodeText(r io.Reader) io.Reader {
	br, ok := r.(*bufio.Reader)
	if !ok {
		br = bufio.NewReaderSize(r, 4096)
	}
	head, _ := br.Peek(4) // an error comes again when it is read
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = br.Discard(3)
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")): // UTF-32: not text to us
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return transform.NewReader(br, unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder())
	}
	return br
}

// fill reads until buf holds n bytes or its capacity, or nothing more comes.
func (f *framer) fill(n int) {
	n = min(n, cap(f.buf))
	for idle := 0; len(f.buf) < n && f.err == nil; {
		var k int
		k, f.err = f.r.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+k]
		if idle++; k > 0 {
			idle = 0
		} else if idle > 100 {
			f.err = io.ErrNoProgress
		}
	}
}

// grow makes room for a record that fills buf; it is false at the bound. The
// bound allows for a line end.
func (f *framer) grow() bool {
	if len(f.buf) > f.limits.Line+1 {
		return false
	}
	bigger := make([]byte, len(f.buf), min(4*cap(f.buf), max(f.limits.Line+2, cap(f.buf)+1)))
	copy(bigger, f.buf)
	(&Chunk{block: f.buf}).Release()
	f.buf = bigger
	return true
}

// take parts the first n bytes of buf, with their memory, from the rest.
func (f *framer) take(n int) (data []byte) {
	rest := f.buf[n:]
	next := newBlock(f.block)
	if len(rest) >= cap(next) {
		next = make([]byte, 0, 2*len(rest))
	}
	data = f.buf[:n]
	f.buf = append(next, rest...)
	f.offset += int64(n)
	return data
}

// drop forgets the first n bytes of buf.
func (f *framer) drop(n int) {
	data := f.take(n)
	(&Chunk{block: data}).Release()
}

// lines cuts the input after newlines, and hands what stands between to emit,
// with its offset.
func (f *framer) lines(emit func(data []byte, offset int64) error) error {
	for {
		f.fill(cap(f.buf))
		if f.err != nil && len(f.buf) <= f.limits.Line+1 {
			if len(f.buf) == 0 {
				return nil
			}
			offset := f.offset
			return emit(f.take(len(f.buf)), offset)
		}
		if nl := bytes.LastIndexByte(f.buf, '\n'); nl >= 0 {
			offset := f.offset
			if err := emit(f.take(nl+1), offset); err != nil {
				return err
			}
			continue
		}
		if !f.grow() {
			if err := f.skipLine(); err != nil {
				return err
			}
		}
	}
}

// skipLine sets a line aside that is too long to be kept: buf holds its
// beginning, and the rest passes by unseen.
func (f *framer) skipLine() error {
	lost := tooLong(f.in, f.offset, 0, f.buf)
	for {
		nl := bytes.IndexByte(f.buf, '\n')
		if nl >= 0 {
			lost.Bytes += int64(nl)
			f.drop(nl + 1)
			break
		}
		lost.Bytes += int64(len(f.buf))
		f.drop(len(f.buf))
		if f.err != nil {
			break
		}
		f.fill(cap(f.buf))
	}
	return f.emit(&Chunk{Input: f.in, cut: cutSpans, spans: []span{{lost: lost}}})
}

// chunk emits whole lines.
func (f *framer) chunk(data []byte, offset int64) error {
	return f.emit(&Chunk{Input: f.in, data: data, block: data, offset: offset})
}
