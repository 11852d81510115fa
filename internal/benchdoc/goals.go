package main

// goal is a number to reach: of one metric alone, or as a ratio to the same
// metric of another benchmark.
type goal struct {
	bench string // GROUP/CASE/borj, or a benchmark without rivals
	unit  string
	least bool    // at least value; otherwise at most
	value float64 // in unit, or a ratio when versus is set
	// versus is the benchmark to be compared with, or "*" for the best of the
	// same GROUP/CASE that is not borj.
	versus string
}

// goals are the numbers that Borj promises.
var goals = []goal{
	{"Flatten/eve/borj", "MB/s", true, 900, ""},
	{"Flatten/eve/borj", "MB/s", true, 1.6, "*"},
	{"Indicators/eve-60k/borj", "MB/cpu-s", true, 700, ""},
	{"Indicators/eve-recorded-5M/borj", "MB/cpu-s", true, 0.9, "Indicators/eve-recorded-60k/borj"},
	{"Indicators/eve-5M/borj", "MB/cpu-s", true, 0.9, "Indicators/eve-60k/borj"},
	{"Build/5000000", "MB", false, 150, ""},
	{"Sigma/mix/borj", "events/s", true, 200_000, ""},
	{"Sigma/mix/borj", "events/s", true, 20, "Sigma/mix/oracle"},
	{"Sigma/process-creation/borj", "events/s", true, 100_000, ""},
	{"Rules/load/borj", "s", false, 2, ""},
	{"Rules/indexes/borj", "MB", false, 64, ""},
	{"Memory/eve-1GB/borj", "MB", false, 1.25, "Memory/eve-64MB/borj"},
	{"Scan/workers-2/borj", "events/s", true, 1.7, "Scan/workers-1/borj"},
}

// sections are the groups that have a heading of their own, in the order of
// the page; every other group stands under the last.
var sections = []struct{ group, title, note string }{
	{"Flatten", "Reading and flattening events", "One core. MB/s of input; every field of every event is reached. On Windows events, which are full of backslashes, fastjson is ahead: it takes any escape for granted, where Borj checks each, because a broken one sets the record aside."},
	{"Indicators", "Matching indicators", "One core, the reading included. In the recorded events addresses come again and again, as they do on a network; in the generated ones nearly every address is new, and each costs a read from memory. A cpu-s is a second of processor time, which other work on the machine does not lengthen."},
	{"Build", "Building a set of indicators", "Wall clock; MB is the memory that the set keeps."},
	{"Sigma", "Sigma rules", "One core, the whole rule set, by kind of event. The oracle is the plain evaluator with the same routing."},
	{"Rules", "Loading rules", "Wall clock from the archive to a set that can be used."},
	{"Scan", "The whole scan", "Wall clock, by number of workers."},
	{"Memory", "Memory of a scan", "What the process took from the system at most, by size of the input."},
	{"", "Parts", "Single parts, for those who work on them."},
}
