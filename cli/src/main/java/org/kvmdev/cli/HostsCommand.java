package org.kvmdev.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.kvmdev.api.DeviceType;
import org.kvmdev.api.Host;
import org.kvmdev.runtime.Kvm;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** Which hosts there are. */
@Command(
    name = "hosts",
    description =
        "Lists the recorded hosts that VMs can be made on, all or by name, and their device types.",
    mixinStandardHelpOptions = true)
final class HostsCommand implements Callable<Integer> {
  @ParentCommand private KvmdevCommand kvmdev;

  @Parameters(paramLabel = "HOST", arity = "0..*", description = "A host's name; all by default.")
  private List<String> wanted = new ArrayList<>();

  @Override
  public Integer call() {
    try (Kvm kvm = kvmdev.scope().kvm()) {
      if (kvmdev.scope().isJson()) {
        printJson(kvm);
      } else {
        print(kvm);
      }
      return kvm.faults().isEmpty() ? 0 : 1;
    }
  }

  private void print(Kvm kvm) {
    Table table = new Table("HOST", "ARCHITECTURE", "ENDIAN", "KERNEL", "DEVICE TYPES");
    for (Host host : hosts(kvm)) {
      table.add(
          host.name(),
          host.architecture(),
          host.text("endian"),
          host.kernel(),
          String.join(" ", kvm.types(host).stream().map(DeviceType::name).toList()));
    }
    table.print(kvmdev.scope().out(), "");
  }

  private void printJson(Kvm kvm) {
    Json.print(
        kvmdev.scope().out(),
        json -> {
          json.writeStartArray();
          for (Host host : hosts(kvm)) {
            json.writeStartObject();
            json.writeStringField("host", host.name());
            json.writeObjectFieldStart("values");
            for (String key : host.keys()) {
              json.writeStringField(key, host.text(key));
            }
            json.writeEndObject();
            json.writeArrayFieldStart("types");
            for (DeviceType type : kvm.types(host)) {
              json.writeString(type.name());
            }
            json.writeEndArray();
            json.writeEndObject();
          }
          json.writeEndArray();
        });
  }

  private List<Host> hosts(Kvm kvm) {
    if (wanted.isEmpty()) {
      return kvm.hosts();
    }
    return wanted.stream().map(name -> Scope.host(kvm, name)).toList();
  }
}
