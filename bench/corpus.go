// Package bench owns the comparison of Borj's hot path with the libraries that
// one would otherwise use. It is a module of its own, so that those libraries
// never enter the product. Its corpora are generated and the same on every
// machine; recorded ones are used besides where they are present.
package bench

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
)

// Records is how many records a generated corpus has.
const Records = 20_000

// EVE returns generated Suricata EVE records, one JSON object each: the mix of
// event types that a sensor at an organisation's border writes, about 890 bytes
// a record.
func EVE() [][]byte {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	return lines(g.eve)
}

// Windows returns generated Windows events in the flat form that NXLog and
// Logstash write: Sysmon, Security and PowerShell in the mix of a busy
// workstation, about 2.8 kB a record, with the texts that people see in the
// Event Viewer.
func Windows() [][]byte {
	g := generator{rand.New(rand.NewPCG(3, 4))}
	return lines(g.windows)
}

// lines returns the records that make gives, one after another in one piece of
// memory, as they stand in a file.
func lines(make func(i int) string) [][]byte {
	var text []byte
	for i := range Records {
		text = append(append(text, make(i)...), '\n')
	}
	return bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
}

// Bytes returns the length of all records.
func Bytes(records [][]byte) int64 {
	var n int64
	for _, r := range records {
		n += int64(len(r))
	}
	return n
}

type generator struct{ *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) hex(n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte("0123456789abcdef"[g.IntN(16)])
	}
	return b.String()
}

func (g generator) inside() string {
	return fmt.Sprintf("10.%d.%d.%d", g.IntN(8), g.IntN(256), 1+g.IntN(254))
}

func (g generator) outside() string {
	return fmt.Sprintf("%d.%d.%d.%d", 11+g.IntN(180), g.IntN(256), g.IntN(256), 1+g.IntN(254))
}

func (g generator) domain() string {
	return g.pick("www", "cdn", "api", "mail", "static", "update") + "." + g.pick("example", "intranet", "weather", "newspaper", "software-update", "telemetry") +
		fmt.Sprint(g.IntN(5000)) + "." + g.pick("com", "net", "org", "ma", "fr", "io")
}

func (g generator) guid() string {
	return g.hex(8) + "-" + g.hex(4) + "-" + g.hex(4) + "-" + g.hex(4) + "-" + g.hex(12)
}

// clock returns a time of day and a fraction that rise with i.
func clock(i int) (hour, minute, second, micro int) {
	return i / 3600 % 24, i / 60 % 60, i % 60, i * 7919 % 1_000_000
}
