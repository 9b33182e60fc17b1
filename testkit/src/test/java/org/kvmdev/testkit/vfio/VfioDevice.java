package org.kvmdev.testkit.vfio;

import org.kvmdev.api.AttributeDevice;
import org.kvmdev.api.Errno;
import org.kvmdev.api.KvmException;

/**
 * A stand-in for KVM's VFIO bridge where there are no VFIO files: no descriptor that it is given
 * names one.
 */
final class VfioDevice extends AttributeDevice<VfioAttribute> {
  VfioDevice() {
    super(VfioAttribute.TABLE);
  }

  @Override
  protected long get(VfioAttribute attribute, long attr) {
    throw new AssertionError(attribute + " cannot be read: the type has no get_attr");
  }

  @Override
  protected void set(VfioAttribute attribute, long attr, long value) throws KvmException {
    throw new KvmException(
        Errno.EBADF, "descriptor %d is no VFIO file, and there are none here", (int) value);
  }
}
