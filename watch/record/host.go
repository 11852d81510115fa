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
		if k := r.facts(f.Path).host[r.Format]; k < rank {
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

// facts returns what is known of id; its rank as a time and as a host is the
// place in the tables above, and the largest value where it has none.
func (r *Record) facts(id PathID) *pathFacts {
	fl := r.owner
	if int(id) < len(fl.about) && fl.about[id].names != nil {
		return &fl.about[id]
	}
	for int(id) >= len(fl.about) {
		fl.about = append(fl.about, pathFacts{})
	}
	about := &fl.about[id]
	about.names = fl.paths.Names(id)
	path := fl.paths.Path(id)
	if about.names == nil {
		about.names = []string{""}
	}
	for format := range formatNames {
		about.time[format] = rankOf(timePaths[format], path)
		about.host[format] = rankOf(hostPaths[format], path)
	}
	return about
}

func rankOf(paths []string, path string) uint8 {
	if i := slices.Index(paths, path); i >= 0 {
		return uint8(i)
	}
	return math.MaxUint8
}
