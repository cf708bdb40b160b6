package desk

import "testing"

// TestCoordinatorsChange: who is taken off the list commands nothing from then on.
func TestCoordinatorsChange(t *testing.T) {
	c := newClassroom(t, 2)
	if reply, _ := c.says("lin", "/待准"); reply == textOnly {
		t.Fatal("a coordinator is refused")
	}
	c.desk.SetCoordinators([]string{"wang"})
	if reply, _ := c.says("lin", "/待准"); reply != textOnly {
		t.Errorf("taken off the list, lin reads %q", reply)
	}
	if reply, _ := c.says("wang", "/待准"); reply == textOnly {
		t.Error("who stayed on the list is refused")
	}
	c.desk.SetCoordinators([]string{"Wang"})
	for _, spelling := range []string{"wang", "WANG", "ｗang"} {
		if reply, _ := c.says(spelling, "/待准"); reply == textOnly {
			t.Errorf("%s is refused, who is on the list as Wang", spelling)
		}
	}
}
