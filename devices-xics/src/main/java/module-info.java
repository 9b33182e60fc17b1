import org.jspecify.annotations.NullMarked;

/** PAPR XICS. */
@NullMarked
module org.kvmdev.devices.xics {
  requires static com.google.auto.service;
  requires static org.jspecify;
  requires org.kvmdev.api;

  provides org.kvmdev.api.DeviceProvider with
      org.kvmdev.devices.xics.XicsProvider;
}
