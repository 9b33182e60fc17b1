package org.kvmdev.testkit.conformance;

import org.kvmdev.api.DeviceOps;
import org.kvmdev.api.KvmException;
import org.kvmdev.api.UserMemory;

/** The reference device behind a layer in which an accessor can be broken. */
class Forwarding implements DeviceOps {
  final Latch latch;

  Forwarding(Latch latch) {
    this.latch = latch;
  }

  @Override
  public void destroy() {
    latch.leave(this);
  }

  @Override
  public void setAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
    latch.setAttr(group, attr, address, memory);
  }

  @Override
  public void getAttr(int group, long attr, long address, UserMemory memory) throws KvmException {
    latch.getAttr(group, attr, address, memory);
  }

  @Override
  public void hasAttr(int group, long attr) throws KvmException {
    latch.hasAttr(group, attr);
  }

  @Override
  public long ioctl(int request, long argument, UserMemory memory) throws KvmException {
    return latch.ioctl(request, argument, memory);
  }
}
