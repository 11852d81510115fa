package record

import (
	"math"
	"slices"
)

// hostPaths says where each format names the machine that an event is about,
// best first: the machine itself before the one that forwarded the event.
// Zeek's and the audit system's own fields "host" and "hostname" are about the
// other side of a connection, so they come last or not at all.
var hostPaths = [...][]string{
	FormatEVE:  {"host", "sensor_name", "host.name", "agent.hostname"},
	FormatZeek: {"@system", "_system_name", "host.name", "agent.hostname"},
	FormatWindows: {
		"Event.System.Computer", "Event.System.Computer.#text", "System.Computer", "winlog.computer_name", "computer_name",
		"data.win.system.computer", "win.system.computer", "Computer", "Hostname", "hostname", "ComputerName",
		"MachineName", "host_name", "host.name", "host.hostname", "agent.hostname", "host",
	},
	FormatAudit: {
		"node", "NODE", "host.name", "host.hostname", "agent.hostname", "_HOSTNAME", "Hostname", "host", "hostname",
	},
	FormatCloudTrail: {
		"recipientAccountId", "detail.recipientAccountId", "account", "userIdentity.accountId", "awsAccountId",
		"resource.labels.project_id", "tenantId", "OrganizationId", "host.name",
	},
	FormatJSON: usualHosts,
	FormatCSV:  usualHosts,
}

var usualHosts = []string{
	"host.name", "host.hostname", "hostname", "Hostname", "HostName", "host_name", "Computer", "computer", "ComputerName",
	"computer_name", "DeviceName", "device_name", "_HOSTNAME", "agent.hostname", "agent.name", "s-computername", "host", "Host", "node",
}

// Host returns the name of the machine that the event is about, as the record
// writes it, or for CloudTrail and its like the account; "" where it says
// nothing. "-" and "?" are nothing.
func (r *Record) Host() string {
	best, rank := -1, uint8(math.MaxUint8)
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.Kind != Number && !f.Kind.IsString() || f.End == f.Start {
			continue
		}
		if c := r.Raw[f.Start]; f.End == f.Start+1 && (c == '-' || c == '?') {
			continue
		}
		if k := r.facts(f).host[r.Format]; k < rank {
			if best, rank = i, k; k == 0 {
				break
			}
		}
	}
	if best < 0 {
		return ""
	}
	return r.String(&r.Fields[best])
}

// pathFacts is what a Flattener remembers of a path besides how to find it.
type pathFacts struct {
	names      []string // nil: not asked yet
	time, host [len(formatNames)]uint8
}

// facts returns what is known of the path of f.
func (r *Record) facts(f *Field) *pathFacts {
	fl := r.owner
	if f.Path == Overflow {
		return newPathFacts(r.namesBeyond(f))
	}
	for int(f.Path) >= len(fl.about) {
		fl.about = append(fl.about, pathFacts{})
	}
	about := &fl.about[f.Path]
	if about.names == nil {
		*about = *newPathFacts(fl.paths.Names(f.Path))
	}
	return about
}

// newPathFacts finds the rank of a path as a time and as a host: its place in
// the tables above, and the largest value where it has none.
func newPathFacts(names []string) *pathFacts {
	about := &pathFacts{names: names}
	for format := range formatNames {
		about.time[format] = rankOf(timePaths[format], names[0])
		about.host[format] = rankOf(hostPaths[format], names[0])
	}
	return about
}

func rankOf(paths []string, path string) uint8 {
	if i := slices.Index(paths, path); i >= 0 {
		return uint8(i)
	}
	return math.MaxUint8
}
