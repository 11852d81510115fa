package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

// BenchmarkSource reads with one worker: what cutting and handing over cost on
// top of flattening.
func BenchmarkSource(b *testing.B) {
	one := []byte(`{"timestamp":"2026-01-01T00:00:00.000000+0000","flow_id":1234567890,"event_type":"http","src_ip":"10.0.0.1","src_port":51000,"dest_ip":"192.0.2.66","dest_port":80,"proto":"TCP","http":{"hostname":"example.net","url":"/index.html","http_user_agent":"Mozilla/5.0 (X11; Linux x86_64)","http_method":"GET","protocol":"HTTP/1.1","status":200,"length":1024}}`)
	for _, tt := range []struct {
		shape     string
		plan      layout
		head, end string
		part      string
	}{
		{ShapeLines, layout{shape: ShapeLines}, "", "", string(one) + "\n"},
		{ShapeArray, layout{shape: ShapeArray}, "[", "{}]", string(one) + ",\n"},
		{ShapeCSV, layout{shape: ShapeCSV, comma: ','}, "time,src,sport,dst,dport,proto,url,agent\n", "", "2026-01-01T00:00:00Z,10.0.0.1,51000,192.0.2.66,80,TCP,http://example.net/index.html,\"Mozilla/5.0 (X11; Linux x86_64)\"\n"},
		{ShapeZeekTSV, layout{shape: ShapeZeekTSV}, zeekHead, "", "1521911720.629574\t10.0.0.1\tT\texample.net,192.0.2.66\t60.000000,60.000000\tplain text of a note\n"},
		{ShapeAudit, layout{shape: ShapeAudit}, "", "", "type=SYSCALL msg=audit(1604994496.155:92733): arch=c000003e syscall=59 success=yes exit=0 a0=558e251634a0 items=2 ppid=29002 pid=1631 auid=1000 uid=1000 gid=1000 comm=\"arp\" exe=\"/usr/sbin/arp\" key=(null)\n"},
	} {
		text := append(append([]byte(tt.head), bytes.Repeat([]byte(tt.part), 32<<20/len(tt.part))...), tt.end...)
		b.Run(fmt.Sprint(tt.shape), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			fl := NewFlattener(NewPaths(0), DefaultLimits)
			for b.Loop() {
				n := 0
				f := newFramer(bytes.NewReader(text), &Input{Shape: tt.shape}, DefaultLimits, chunkBytes, func(c *Chunk) error {
					c.Each(fl, func(int, *Record) { n++ }, func(_ int, r Reject) { b.Fatal(r) })
					c.Release()
					return nil
				})
				if err := f.run(tt.plan); err != nil || !errors.Is(f.err, io.EOF) {
					b.Fatal(err, f.err)
				}
			}
		})
	}
}
