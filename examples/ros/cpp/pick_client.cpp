// Ask for an object until several images agree, and print where it is.
//   ros2 run evf_sam_pick pick_client "pick up the red mug"

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

#include "evf_sam_ros/action/find_object.hpp"
#include "rclcpp/rclcpp.hpp"
#include "rclcpp_action/rclcpp_action.hpp"

using FindObject = evf_sam_ros::action::FindObject;
using namespace std::chrono_literals;

int main(int argc, char ** argv)
{
  const auto words = rclcpp::init_and_remove_ros_arguments(argc, argv);
  const auto node = std::make_shared<rclcpp::Node>("pick_client");
  const auto client = rclcpp_action::create_client<FindObject>(node, "evf_sam/find_object");
  if (!client->wait_for_action_server(10s)) {
    std::puts("the node evf_sam is not running");
    return 1;
  }
  FindObject::Goal goal;
  goal.text = words.size() > 1 ? words[1] : "pick up the red mug";
  goal.stable_frames = 3;
  goal.timeout.sec = 30;
  auto sent = client->async_send_goal(goal);
  rclcpp::spin_until_future_complete(node, sent);
  const auto handle = sent.get();
  if (!handle) {
    std::puts("the node rejects the sentence: its log says why");
    return 1;
  }
  auto ended = client->async_get_result(handle);
  rclcpp::spin_until_future_complete(node, ended);
  const auto wrapped = ended.get();
  const auto & result = wrapped.result->result;
  if (wrapped.code != rclcpp_action::ResultCode::SUCCEEDED || !result.objects[0].has_position) {
    std::printf("nothing to pick: status %d %s\n", result.status, result.message.c_str());
    return 1;
  }
  const auto & point = result.objects[0].position;
  std::printf(
    "%s in %s: %.3f %.3f %.3f m\n", result.expression.c_str(), result.header.frame_id.c_str(),
    point.x, point.y, point.z);
  rclcpp::shutdown();
  return 0;
}
