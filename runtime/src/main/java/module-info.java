import org.jspecify.annotations.NullMarked;

/** VMs, vCPUs, device handles, dispatch, discovery, the ioctl face and snapshots. */
@NullMarked
module org.kvmdev.runtime {
  requires static org.jspecify;
  requires transitive org.kvmdev.api;

  exports org.kvmdev.runtime;
  exports org.kvmdev.runtime.ioctl;

  uses org.kvmdev.api.DeviceProvider;
}
