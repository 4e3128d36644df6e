// Package loop is what the Go adapters share: commands in, answers out, and the members' events. See ../../README.md.
package loop

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
)

// Command holds the arguments of all commands; each uses its own.
type Command struct {
	ID         int               `json:"id"`
	Do         string            `json:"do"`
	Topic      string            `json:"topic"`
	Partition  int32             `json:"partition"`
	Partitions json.RawMessage   `json:"partitions"` // a number, or a list of them
	Total      int               `json:"total"`
	Configs    map[string]string `json:"configs"`
	Before     int64             `json:"before"`
	Offset     int64             `json:"offset"`
	Count      int               `json:"count"`
	At         json.RawMessage   `json:"at"` // "earliest", "latest", "max_timestamp" or milliseconds
	Records    []Record          `json:"records"`
	Codec      string            `json:"codec"`
	Idempotent bool              `json:"idempotent"`
	Member     string            `json:"member"`
	Group      string            `json:"group"`
	Protocol   string            `json:"protocol"`
	SessionMs  int               `json:"session_ms"`
	Instance   string            `json:"instance"`
}

// Record is a record to be produced, or one that was fetched.
type Record struct {
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
	Key       *string     `json:"key"`
	Value     *string     `json:"value"`
	Headers   [][2]string `json:"headers"`
	Timestamp int64       `json:"timestamp"`
}

// Map is a JSON object.
type Map map[string]any

// Unsupported says why a client cannot.
type Unsupported string

func (u Unsupported) Error() string { return string(u) }

// Refused is an error that carries Kafka's number.
type Refused struct {
	Code    int
	Message string
}

func (r Refused) Error() string { return fmt.Sprintf("%s (%d)", r.Message, r.Code) }

// Handlers are a client's commands by name.
type Handlers map[string]func(Command) (any, error)

// Serve obeys the commands on stdin until it ends. codeOf finds Kafka's error number.
func Serve(handlers Handlers, codeOf func(error) int) {
	lines := bufio.NewReader(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var command Command
		if err := json.Unmarshal(line, &command); err != nil {
			fmt.Fprintln(os.Stderr, "bad command:", err)
			os.Exit(1)
		}
		answers.Encode(answer(handlers, command, codeOf))
	}
}

func answer(handlers Handlers, command Command, codeOf func(error) int) Map {
	handler, known := handlers[command.Do]
	if !known {
		return Map{"id": command.ID, "unsupported": "it has no " + strings.ReplaceAll(command.Do, "_", " ")}
	}
	ok, err := handler(command)
	var unsupported Unsupported
	if errors.As(err, &unsupported) {
		return Map{"id": command.ID, "unsupported": string(unsupported)}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, command.Do, err)
		code := codeOf(err)
		var refused Refused
		if errors.As(err, &refused) {
			code = refused.Code
		}
		return Map{"id": command.ID, "error": code, "message": err.Error()}
	}
	if ok == nil {
		ok = Map{}
	}
	return Map{"id": command.ID, "ok": ok}
}

// Events writes what one member lives through; each event is one append.
type Events struct {
	file          *os.File
	group, member string
	mutex         sync.Mutex
}

// NewEvents opens the file at os.Args[2].
func NewEvents(command Command) *Events {
	file, err := os.OpenFile(os.Args[2], os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		panic(err)
	}
	return &Events{file: file, group: command.Group, member: command.Member}
}

// Write appends one event.
func (e *Events) Write(event string, more Map) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	line := Map{"event": event, "group": e.group, "member": e.member}
	for name, value := range more {
		line[name] = value
	}
	text, _ := json.Marshal(line)
	e.file.Write(append(text, '\n'))
}

// Consumed and Committed write the two commonest events.
func (e *Events) Consumed(partition int32, offsets []int64) {
	e.Write("consumed", Map{"partition": partition, "offsets": offsets})
}

// Committed says up to which offsets a commit went through.
func (e *Events) Committed(ends map[int32]int64) {
	e.Write("committed_up_to", Map{"offsets": ends})
}

// Partitions writes assigned, revoked or lost.
func (e *Events) Partitions(event string, partitions []int32) {
	if partitions == nil {
		partitions = []int32{}
	}
	e.Write(event, Map{"partitions": partitions})
}

// Number is the command's `partitions` as a number.
func (c Command) Number() int {
	var number int
	json.Unmarshal(c.Partitions, &number)
	return number
}

// List is the command's `partitions` as a list.
func (c Command) List() []int32 {
	var list []int32
	json.Unmarshal(c.Partitions, &list)
	return list
}

// When is the command's `at`: a word or milliseconds.
func (c Command) When() (word string, ms int64) {
	if json.Unmarshal(c.At, &word) != nil {
		json.Unmarshal(c.At, &ms)
	}
	return word, ms
}

// Bytes and Text pass null through.
func Bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// Text is Bytes' other way.
func Text(octets []byte) *string {
	if octets == nil {
		return nil
	}
	text := string(octets)
	return &text
}
