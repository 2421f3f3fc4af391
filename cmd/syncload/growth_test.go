package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestGrowthMeasuresEverything runs all of it, small, against the program of the
// server.
func TestGrowthMeasuresEverything(t *testing.T) {
	program := filepath.Join(t.TempDir(), "syncabled.exe") // the name that Windows wants
	if said, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, "syncabled/cmd/syncabled").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	var out, log bytes.Buffer
	if code := execute(t.Context(), []string{"growth", "--quick", "--json", "--server", program}, &out, &log); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &log)
	}
	var lines []line
	if err := json.Unmarshal(out.Bytes(), &lines); err != nil {
		t.Fatal(err)
	}
	for _, gc := range growthCases(comparison{Quick: true}) {
		for _, figure := range gc.figures {
			if len(lines) == 0 || lines[0].Case != gc.name || lines[0].Figure != figure || len(lines[0].Values) != len(gc.sizes) {
				t.Fatalf("want a line of %s: %s, got %+v", gc.name, figure, lines)
			}
			rounds := 1
			if strings.HasPrefix(figure, "server ") && runtime.GOOS != "linux" {
				rounds = 0
			}
			for i, v := range lines[0].Values {
				if v.Name != gc.sizes[i].name || len(v.Rounds) != rounds {
					t.Errorf("%s: %s: got %+v of size %s", gc.name, figure, v, gc.sizes[i].name)
				}
			}
			lines = lines[1:]
		}
	}
}

// TestLinesRelateToTheFirst: the table says how each figure and the first relate.
func TestLinesRelateToTheFirst(t *testing.T) {
	l := line{Case: "case", Figure: "figure", Unit: "ms", Values: make([]measured, 3)}
	for _, round := range []float64{30, 10, 20} {
		l.add(0, "a", []figure{{"figure", round, "ms"}, {"other", 1, "s"}})
		l.add(1, "b", []figure{{"figure", 2 * round, "ms"}})
	}
	var out bytes.Buffer
	if err := writeLines(&out, []line{l}, func(first, other float64) float64 { return other / first }); err != nil {
		t.Fatal(err)
	}
	want := "case figure ms a: 20.0 (10.0 to 30.0) b: 40.0 (20.0 to 60.0) ratio 2.00"
	if got := strings.Join(strings.Fields(out.String()), " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGroupedNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 5_000_000: "5,000,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}
