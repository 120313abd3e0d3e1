import java.util.List;
import java.util.Map;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.transport.Netty4Plugin;

/** Elasticsearch on loopback: Elasticsearch HOME HTTP_PORT TRANSPORT_PORT. */
public class Elasticsearch extends Node {
    Elasticsearch(Settings settings) {
        super(
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "node"),
            List.of(Netty4Plugin.class),
            false);
    }

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.builder()
            .put("path.home", arguments[0])
            .put("http.port", arguments[1])
            .put("transport.port", arguments[2])
            .put("network.host", "127.0.0.1")
            .put("discovery.type", "single-node")
            // It would refuse spans on a machine whose disk is nearly full.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .put("transport.type", "netty4")
            .put("http.type", "netty4")
            .build();
        new Elasticsearch(settings).start();
        Thread.currentThread().join();
    }
}
