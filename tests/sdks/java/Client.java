// Sends each kind of value with the agent for Java, which reads OTEL_EXPORTER_OTLP_PROTOCOL itself
// and traces the server.

import static io.opentelemetry.api.common.AttributeKey.*;

import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.api.GlobalOpenTelemetry;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.*;
import java.net.InetSocketAddress;
import java.util.List;

public class Client {
    static final Attributes VALUES = Attributes.builder()
            .put("text", "Zoë 東京 🚚 \"\\\n")
            .put("text.empty", "")
            .put("yes", true)
            .put("no", false)
            .put("int.max", Long.MAX_VALUE)
            .put("int.min", Long.MIN_VALUE)
            .put("double", 0.1)
            .put("double.max", Double.MAX_VALUE)
            .put("double.min", Double.MIN_VALUE)
            .put("double.infinite", Double.POSITIVE_INFINITY)
            .put("texts", "ä", "")
            .put("bools", true, false)
            .put("ints", Long.MAX_VALUE, Long.MIN_VALUE)
            .put("doubles", 0.5, -1e-9)
            .put(stringArrayKey("list.empty"), List.of())
            .put(valueKey("bytes"), Value.of(new byte[] {0, -1, -128, 1}))
            .put(valueKey("map"), map("ä", map("b", Value.of(Value.of(1), Value.of("two"), Value.of(3.5), Value.of(true)))))
            .put(valueKey("mixed"), Value.of(Value.of(1), Value.of("two"), Value.of(Value.of(false))))
            .build();
    static final Tracer TRACER = GlobalOpenTelemetry.getTracer("client");
    static final Logger LOGGER = GlobalOpenTelemetry.get().getLogsBridge().get("client");
    static final Meter METER = GlobalOpenTelemetry.getMeter("client");
    static final io.opentelemetry.api.metrics.LongCounter PARCELS = METER.counterBuilder("parcels").setUnit("{parcel}").build();
    static final io.opentelemetry.api.metrics.DoubleHistogram WEIGHT = METER.histogramBuilder("weight").setUnit("kg").build();
    static final io.opentelemetry.api.metrics.DoubleGauge LEVEL = METER.gaugeBuilder("level").build();
    static final io.opentelemetry.api.metrics.LongGauge LARGEST = METER.gaugeBuilder("largest").ofLongs().build();

    static Value<?> map(String key, Value<?> value) {
        return Value.of(KeyValue.of(key, value));
    }

    static void values() {
        var other = SpanContext.createFromRemoteParent(
                "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", TraceFlags.getDefault(), TraceState.getDefault());
        var why = Attributes.builder().put("why", "früher").put("count", 7).build();
        Span span = TRACER.spanBuilder("values").setAllAttributes(VALUES).addLink(other, why).startSpan();
        try (var scope = span.makeCurrent()) {
            span.addEvent("geprüft ✓", Attributes.builder().put("attempt", 2).put("note", "„gut“").build());
            span.setStatus(StatusCode.ERROR, "leider voll 🚚");
            LOGGER.logRecordBuilder().setSeverity(Severity.WARN).setBody("Bestellung 42 – gepackt 📦").setAllAttributes(VALUES).emit();
            var body = Value.of(
                    KeyValue.of("ä", Value.of(1)),
                    KeyValue.of("b", Value.of(Value.of(true), Value.of("c"))),
                    KeyValue.of("d", Value.of(new byte[] {0, -1})));
            LOGGER.logRecordBuilder().setSeverity(Severity.INFO).setBody(body).setEventName("packed").emit();
            PARCELS.add(3, Attributes.of(stringKey("route"), "Köln"));
            for (double kilograms : new double[] {1.5, 7}) {
                WEIGHT.record(kilograms, Attributes.of(stringKey("request"), span.getSpanContext().getTraceId()));
            }
            LEVEL.set(0.1);
            LARGEST.set(Long.MAX_VALUE);
        } finally {
            span.end();
        }
    }

    public static void main(String[] arguments) throws Exception {
        var server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(System.getenv("PORT"))), 0);
        server.createContext("/", exchange -> {
            if (exchange.getRequestURI().getPath().equals("/values")) {
                values();
            }
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        server.start();
    }
}
