// A node of BehaviorTree.CPP 4 for the action find_object, by behaviortree_ros2.
//   input:  text, timeout_s, images      output: pose (PoseStamped, in the camera's frame)
// Build it as a plugin of your behaviour tree's package; pick.xml uses it.

#include <string>

#include "behaviortree_ros2/bt_action_node.hpp"
#include "behaviortree_ros2/plugins.hpp"
#include "evf_sam_ros/action/find_object.hpp"
#include "geometry_msgs/msg/pose_stamped.hpp"

using FindObject = evf_sam_ros::action::FindObject;

class FindObjectNode : public BT::RosActionNode<FindObject>
{
public:
  using BT::RosActionNode<FindObject>::RosActionNode;

  static BT::PortsList providedPorts()
  {
    return providedBasicPorts(
      {BT::InputPort<std::string>("text"), BT::InputPort<double>("timeout_s", 30.0, "seconds"),
        BT::InputPort<unsigned>("images", 3, "images in a row that agree"),
        BT::OutputPort<geometry_msgs::msg::PoseStamped>("pose"),
        BT::OutputPort<std::string>("message")});
  }

  bool setGoal(Goal & goal) override
  {
    goal.text = getInput<std::string>("text").value();
    goal.stable_frames = getInput<unsigned>("images").value();
    goal.timeout.sec = static_cast<int>(getInput<double>("timeout_s").value());
    return !goal.text.empty();
  }

  BT::NodeStatus onResultReceived(const WrappedResult & wrapped) override
  {
    const auto & result = wrapped.result->result;
    setOutput("message", result.message);
    if (wrapped.code != rclcpp_action::ResultCode::SUCCEEDED || !result.objects[0].has_position) {
      return BT::NodeStatus::FAILURE;
    }
    geometry_msgs::msg::PoseStamped pose;
    pose.header = result.header;
    pose.pose.position = result.objects[0].position;
    pose.pose.orientation = result.objects[0].orientation;
    setOutput("pose", pose);
    return BT::NodeStatus::SUCCESS;
  }

  BT::NodeStatus onFailure(BT::ActionNodeErrorCode) override { return BT::NodeStatus::FAILURE; }
};

CreateRosNodePlugin(FindObjectNode, "FindObject");
