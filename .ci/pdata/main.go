// Prints what the Collector's pdata makes of OTLP/JSON requests, to record tests/fixtures/pdata/requests.jsonl:
//
//	go run . <sent.jsonl >requests.jsonl
//
// A line is an object with a `signal` and a `request`. The program adds the `protobuf` of the request in hexadecimal
// digits; `null` if pdata refuses it.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
)

type line struct {
	Signal   string  `json:"signal"`
	Request  string  `json:"request"`
	Protobuf *string `json:"protobuf"`
}

type message interface {
	UnmarshalJSON([]byte) error
	MarshalProto() ([]byte, error)
}

func requestOf(signal string) message {
	switch signal {
	case "traces":
		return ptraceotlp.NewExportRequest()
	case "logs":
		return plogotlp.NewExportRequest()
	default:
		return pmetricotlp.NewExportRequest()
	}
}

// answer returns the protobuf of a request, or the reason for which it is refused, also if pdata panics.
func answer(signal, request string) (protobuf []byte, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("panic: %v", panicked)
		}
	}()
	read := requestOf(signal)
	if err := read.UnmarshalJSON([]byte(request)); err != nil {
		return nil, err
	}
	return read.MarshalProto()
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for lines.Scan() {
		var one line
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			log.Fatal(err)
		}
		one.Protobuf = nil
		if protobuf, err := answer(one.Signal, one.Request); err == nil {
			digits := hex.EncodeToString(protobuf)
			one.Protobuf = &digits
		}
		if err := output.Encode(one); err != nil {
			log.Fatal(err)
		}
	}
}
